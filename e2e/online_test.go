//go:build lab

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

const upstreamAddress = harness.Gateway + ":5077"

// With bundle.online a node fetches by itself what was pulled: programs from
// where they are published, each archive once, and images from a registry. Here
// that is a mirror, the only other machine that the node can reach.
func testOnline(t *testing.T) {
	c := harness.New(t, nil, harness.Node{Name: "cp1", Role: "controller"})
	c.LabUp(t)
	world, pulled := c.Outside(t, "world"), c.Outside(t, "pulled")
	built := strings.TrimSpace(c.Must(t, "bundle", "path"))
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", publish, "sh", built, world, runtime.GOARCH).CombinedOutput(); err != nil {
		t.Fatalf("publish the bundle: %v\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.Serve(t, "upstream", upstreamAddress, "env", upstreamDir+"="+world, self)
	mirror := "http://" + upstreamAddress + "/"
	c.Edit(t, "cluster.yaml", "\nbundle:\n", "\nbundle:\n  dir: "+pulled+"\n  online: true\n  mirrors: {dl.k8s.io: "+mirror+"dl.k8s.io, github.com: "+mirror+
		"github.com, registry.k8s.io: "+mirror+"registry.k8s.io, ghcr.io: "+mirror+"ghcr.io}\n")
	c.Must(t, "lab", "exec", "--", c.Program(), "--dir", c.Dir, "bundle", "pull", "node", "controller", "agnhost")
	c.Must(t, "bundle", "verify")
	c.Up(t)
	if got := c.Up(t); !strings.HasPrefix(got, "Nothing to do") {
		t.Errorf("second kbm up: %s", got)
	}
	if got := c.On(t, "cp1", "ls /var/lib/kbm/images 2>/dev/null || :"); got != "" {
		t.Errorf("images were sent: %s", got)
	}
	log, err := os.ReadFile(c.Outside(t, "upstream.log"))
	if err != nil {
		t.Fatal(err)
	}
	fetched := map[string]int{}
	for line := range strings.Lines(string(log)) {
		path, from, _ := strings.Cut(strings.TrimSpace(line), " for ")
		if strings.HasPrefix(from, c.Address(t, "cp1")+":") {
			fetched[filepath.Base(path)]++
		}
	}
	for _, file := range []string{"kubelet", "kubectl", "runc." + runtime.GOARCH, "etcd-*.tar.gz", "containerd-static-*.tar.gz", "cni-plugins-*.tgz"} {
		n := 0
		for name, times := range fetched {
			if ok, _ := filepath.Match(file, name); ok {
				n += times
			}
		}
		if n != 1 {
			t.Errorf("cp1 fetched %s %d times, of %v", file, n, fetched)
		}
	}
	onlineRefusesAnother(t, c, world)
}

// A mirror that has another kubelet than the bundle gets it nowhere.
func onlineRefusesAnother(t *testing.T, c *harness.Cluster, world string) {
	found, err := filepath.Glob(filepath.Join(world, "dl.k8s.io/release/*/bin/linux/*/kubelet"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	if err := os.WriteFile(found[0], []byte("another kubelet"), 0o644); err != nil {
		t.Fatal(err)
	}
	kubelet := c.On(t, "cp1", "readlink -f /proc/$(pgrep -x kubelet)/exe")
	c.On(t, "cp1", "mv "+kubelet+" "+kubelet+".kept")
	got := c.Kbm(t, "up")
	if got.Code == 0 || !strings.Contains(got.Stderr, "kubelet with the SHA256 ") || !strings.Contains(got.Stderr, "what came was thrown away") {
		t.Errorf("kbm up with a false mirror: %s", got.All())
	}
	c.On(t, "cp1", "test ! -e "+kubelet+"; mv "+kubelet+".kept "+kubelet)
	if got := c.Up(t); !strings.HasPrefix(got, "Nothing to do") {
		t.Errorf("kbm up with its own kubelet again: %s", got)
	}
}
