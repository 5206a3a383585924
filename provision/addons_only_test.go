//go:build lab

package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

const settings = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: default}
data: {colour: red}
`

// running is a cluster of one controller with a real etcd and API server, and
// nothing else: enough for objects that start no pod.
func running(t *testing.T) Env {
	t.Helper()
	c := (&cluster.Cluster{
		Name: "loopback", Endpoint: cluster.Endpoint{Host: "127.0.0.1", Port: freePort(t)}, Dir: t.TempDir(),
		Nodes: []cluster.Node{
			{Name: "cp1", Role: cluster.Controller, Address: "127.0.0.1"},
			{Name: "w1", Role: cluster.Worker, Address: "127.0.0.2"},
		},
		Addons: cluster.Addons{Extra: &cluster.Extra{Manifests: []string{"settings.yaml"}}},
	}).WithDefaults()
	if err := os.WriteFile(filepath.Join(c.Dir, "settings.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := pki.NewFiles(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := pki.Ensure(store, c, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all, err := addons.Render(c, addons.Review{Dir: c.Dir})
	if err != nil {
		t.Fatal(err)
	}
	startAPI(t, c)
	m := newMachine(t, "")
	return Env{
		Cluster: c, PKI: set, Addons: all,
		Connect: func(_ context.Context, n *cluster.Node) (Host, error) {
			if n.Role != cluster.Controller {
				return nil, errors.New("no worker is asked for the addons")
			}
			return m, nil
		},
		Admin: func(user string, groups ...string) (pki.Pair, error) {
			return set.Client(user, groups, time.Hour, time.Now(), rand.Reader)
		},
		Report: nobody{}, Now: time.Now, Owner: "the test", Parallel: 2,
	}
}

type nobody struct{}

func (nobody) Report(Event) {}

func startAPI(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	dir, err := bundle.DefaultDir(bundle.DefaultKubernetes, runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	start := func(name string, args ...string) {
		row, ok := b.Find(name)
		if !ok {
			t.Fatalf("the bundle in %s has no %s: run kbm bundle build", dir, name)
		}
		program := b.File(row)
		if row.Kind == bundle.Image {
			program = unpacked(t, program, name)
		}
		cmd := exec.Command(program, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	}
	file := func(name string) string { return filepath.Join(c.Dir, pki.Dir, name) }
	etcd, peer := fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	start("etcd", "--data-dir", t.TempDir(), "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	start("kube-apiserver", "--etcd-servers", etcd, "--authorization-mode", "RBAC",
		"--bind-address", c.Endpoint.Host, "--secure-port", fmt.Sprint(c.Endpoint.Port), "--endpoint-reconciler-type", "none",
		"--service-cluster-ip-range", c.Network.ServiceCIDR, "--client-ca-file", file("ca.crt"),
		"--tls-cert-file", file("nodes/cp1/apiserver.crt"), "--tls-private-key-file", file("nodes/cp1/apiserver.key"),
		"--service-account-key-file", file("sa.pub"), "--service-account-signing-key-file", file("sa.key"),
		"--service-account-issuer", "https://kubernetes.default.svc")
}

// unpacked takes a program out of the image that it is shipped in.
func unpacked(t *testing.T, image, name string) string {
	t.Helper()
	dir, path := t.TempDir(), "usr/local/bin/"+name
	const script = `cd "$1" && tar -xf "$2" && for blob in blobs/sha256/*; do tar -xf "$blob" "$3" 2>/dev/null && exit; done`
	if out, err := exec.Command("sh", "-c", script, "sh", dir, image, path).CombinedOutput(); err != nil {
		t.Fatalf("%s is not in %s: %v: %s", path, image, err, out)
	}
	return filepath.Join(dir, path)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// The life of one addon on a cluster that runs, by the commands of kbm addons.
func TestAddonsAlone(t *testing.T) {
	env := running(t)
	changes := func(steps []Step) []string {
		t.Helper()
		plan, err := Run(t.Context(), env, steps)
		if err != nil {
			t.Fatal(err)
		}
		all := []string{}
		for _, c := range plan.Objects {
			if c.Action.Changes() {
				all = append(all, fmt.Sprintf("%s %s", c.Action, c.Object))
			}
		}
		return all
	}
	want := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	const object = "ConfigMap default/settings"
	err := poll(t.Context(), time.Minute, 100*time.Millisecond, func(ctx context.Context) error {
		_, err := Run(ctx, env, DiffAddons())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	want("before", changes(DiffAddons("extra")), "create "+object)
	want("apply", changes(ApplyAddons("extra")), "create "+object)
	want("after", changes(DiffAddons("extra")))
	want("again", changes(ApplyAddons("extra")))
	if rest := changes(DiffAddons()); len(rest) == 0 || slices.Contains(rest, "create "+object) {
		t.Errorf("of the other addons, which nobody named, there is to do: %q", rest)
	}

	release, err := Acquire(t.Context(), "cp1", mustConnect(t, env), "somebody else")
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := Run(t.Context(), env, ApplyAddons("extra")); !errors.As(err, &locked) || locked.Holder != "somebody else" {
		t.Errorf("applied beside another kbm: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}

	want("remove", changes(RemoveAddons("extra")), "delete "+object)
	want("remove again", changes(RemoveAddons("extra")))
	want("removed", changes(DiffAddons("extra")), "create "+object)

	env.Connect = func(context.Context, *cluster.Node) (Host, error) { return nil, errors.New("cp1: no way there") }
	var faults *Faults
	if _, err := Run(t.Context(), env, ApplyAddons()); !errors.As(err, &faults) || !faults.Untouched || !strings.Contains(err.Error(), "no way there") {
		t.Errorf("without a controller: %v", err)
	}
}

func mustConnect(t *testing.T, env Env) Host {
	t.Helper()
	host, err := env.Connect(t.Context(), &env.Cluster.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	return host
}
