//go:build lab

package addons

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

// control is a real etcd and kube-apiserver on loopback, with kbm's own PKI.
// There is no controller manager and no kubelet, so a test says itself what
// they would: the status of a DaemonSet, a pod that cannot start.
type control struct {
	bundle  *bundle.Bundle
	cluster *cluster.Cluster
	set     *pki.Set
}

// startControl starts it on an address of this machine; more are further flags
// of the API server.
func startControl(t *testing.T, address string, more ...string) *control {
	t.Helper()
	dir, err := bundle.DefaultDir(bundle.DefaultKubernetes, runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	spec := &cluster.Cluster{
		Name:     "loopback",
		Endpoint: cluster.Endpoint{Host: address, Port: port},
		Dir:      t.TempDir(),
		Nodes:    []cluster.Node{{Name: "cp1", Role: cluster.Controller, Address: address}},
	}
	c := &control{bundle: b, cluster: spec.WithDefaults()}
	store, err := pki.NewFiles(c.cluster, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.set, err = pki.Ensure(store, c.cluster, time.Now(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	etcd := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	peer := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	c.start(t, c.program(t, "etcd"), "--data-dir", t.TempDir(), "--unsafe-no-fsync",
		"--listen-client-urls", etcd, "--advertise-client-urls", etcd,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)

	serving := c.set.Node("cp1").Get(pki.APIServer)
	kubelet, front := c.set.Get(pki.APIServerKubeletClient), c.set.Get(pki.FrontProxyClient)
	flags := append([]string{
		"--etcd-servers", etcd, "--bind-address", address, "--secure-port", fmt.Sprint(port),
		"--advertise-address", address, "--endpoint-reconciler-type", "none",
		"--authorization-mode", "Node,RBAC", "--service-cluster-ip-range", c.cluster.Network.ServiceCIDR,
		"--client-ca-file", keep(t, c.set.Get(pki.CA).Cert),
		"--tls-cert-file", keep(t, serving.Cert), "--tls-private-key-file", keep(t, serving.Key),
		"--kubelet-client-certificate", keep(t, kubelet.Cert), "--kubelet-client-key", keep(t, kubelet.Key),
		"--service-account-key-file", keep(t, c.set.ServiceAccount.Public),
		"--service-account-signing-key-file", keep(t, c.set.ServiceAccount.Private),
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--requestheader-client-ca-file", keep(t, c.set.Get(pki.FrontProxyCA).Cert), "--requestheader-allowed-names", "front-proxy-client",
		"--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group",
		"--requestheader-extra-headers-prefix", "X-Remote-Extra-",
		"--proxy-client-cert-file", keep(t, front.Cert), "--proxy-client-key-file", keep(t, front.Key),
	}, more...)
	c.start(t, c.program(t, "kube-apiserver"), flags...)
	c.untilReady(t)
	return c
}

// config connects the way kbm does: a certificate in memory and a dialler of
// the caller's, here one that also takes note.
func (c *control) config(t *testing.T, user string, groups ...string) *rest.Config {
	t.Helper()
	pair, err := c.set.Client(user, groups, time.Hour, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &rest.Config{
		Host:            c.cluster.EndpointURL(),
		TLSClientConfig: rest.TLSClientConfig{CAData: c.set.Get(pki.CA).Cert, CertData: pair.Cert, KeyData: pair.Key},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		},
	}
}

func (c *control) engine(t *testing.T) *Engine {
	t.Helper()
	e, err := New(c.config(t, "kbm", "system:masters"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func (c *control) untilReady(t *testing.T) {
	t.Helper()
	client, err := rest.HTTPClientFor(c.config(t, "kbm", "system:masters"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	eventually(ctx, t, "the API server is ready", func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cluster.EndpointURL()+"/readyz", nil)
		if err != nil {
			return err
		}
		return ok(client.Do(request))
	})
}

func ok(response *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

func eventually(ctx context.Context, t *testing.T, what string, check func() error) {
	t.Helper()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited until %s: %v", what, err)
		case <-ticker.C:
		}
	}
}

// program is the path of a program of the bundle; one that is shipped as an
// image is taken out of it.
func (c *control) program(t *testing.T, name string) string {
	t.Helper()
	a, found := c.bundle.Find(name)
	if !found {
		t.Fatalf("the bundle in %s has no %s: run kbm bundle build", c.bundle.Dir(), name)
	}
	if a.Kind != bundle.Image {
		return c.bundle.File(a)
	}
	return filepath.Join(c.image(t, name).root, "usr/local/bin", name)
}

// tool runs a program of this machine and returns what it printed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// start runs a program until the test ends, and shows the end of what it said
// where the test failed.
func (c *control) start(t *testing.T, program string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	// A quarter of the collections: an API server starts with a third less work.
	cmd.Env = append(os.Environ(), "GOGC=400")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			lines := strings.Split(string(text), "\n")
			t.Logf("%s said:\n%s", filepath.Base(program), strings.Join(lines[max(0, len(lines)-15):], "\n"))
		}
	})
}

func keep(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
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
