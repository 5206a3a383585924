//go:build lab

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// fault is something wrong with the world, and what kbm up has to say to it.
type fault struct {
	name string
	// broken brings it about; its result mends it again.
	broken func(t *testing.T, c *harness.Cluster) (mend func())
	code   int
	says   []string // everything that the message must hold
}

// TestFaults breaks the world in one way after the other around two bare
// machines. Each time kbm up has to name the node and the cure, and must leave
// both machines as they were. Then it is cut in the middle of its work, and in
// the end the same machines become a cluster.
func TestFaults(t *testing.T) {
	c := harness.New(t, nil,
		harness.Node{Name: "cp1", Role: "controller"},
		harness.Node{Name: "w1", Role: "worker"},
	)
	c.LabUp(t)
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			before := made(t, c, "cp1")
			mend := f.broken(t, c)
			up, diff := c.Kbm(t, "up"), c.Kbm(t, "diff")
			var status harness.Result
			if f.code == unreachable {
				status = c.Kbm(t, "status")
			}
			mend()
			f.judge(t, "up", up)
			if f.code != locked { // a look needs no lock
				f.judge(t, "diff", diff)
			}
			if f.code == unreachable && (status.Code != 1 || !strings.Contains(status.Stdout, f.says[0]+" (")) {
				t.Errorf("kbm status shows the machine, and why it cannot be reached: %s", status.All())
			}
			if after := made(t, c, "cp1"); after != before {
				t.Errorf("cp1 was touched:\nbefore: %s\nafter: %s", before, after)
			}
		})
	}
	t.Run("a disk that fills up on the way", func(t *testing.T) { diskFillsUp(t, c) })
	t.Run("power cut on the way", func(t *testing.T) { powerCut(t, c) })
	t.Run("interrupted", func(t *testing.T) { interrupted(t, c) })
	t.Run("a unit that cannot start", func(t *testing.T) { unitCannotStart(t, c) })
}

// Exit codes of kbm, as documented.
const (
	failed      = 1
	unreachable = 4
	locked      = 5
	signalled   = 130
)

// judge reads a message as a person would.
func (f fault) judge(t *testing.T, command string, r harness.Result) {
	t.Helper()
	t.Logf("kbm %s: %s", command, r.Stderr)
	if r.Code != f.code {
		t.Errorf("kbm %s ends with %d, want %d: %s", command, r.Code, f.code, r.All())
	}
	for _, text := range f.says {
		if !strings.Contains(r.Stderr, text) {
			t.Errorf("the message of kbm %s lacks %q: %s", command, text, r.All())
		}
	}
	if strings.Count(r.Stderr, "kbm: ") != 1 {
		t.Errorf("kbm %s has not one message: %s", command, r.All())
	}
	if strings.Contains(r.All(), "PRIVATE KEY") {
		t.Errorf("the message of kbm %s holds a key", command)
	}
}

// made lists what kbm up makes on a machine. Artefacts that wait for the next
// run are not in place yet.
func made(t *testing.T, c *harness.Cluster, node string) string {
	t.Helper()
	return c.On(t, node, "find /etc/kubernetes /etc/containerd /etc/etcd /etc/systemd/system /opt/bin /opt/cni /var/lib/etcd /var/lib/kbm"+
		" -mindepth 1 -path /var/lib/kbm/incoming -prune -o -print 2>/dev/null | sort || true")
}

func faults() []fault {
	onW1 := func(breaking, mending string) func(*testing.T, *harness.Cluster) func() {
		return func(t *testing.T, c *harness.Cluster) func() {
			c.On(t, "w1", breaking)
			return func() { c.On(t, "w1", mending) }
		}
	}
	// What locks kbm out can be mended only by a machine that is made anew.
	lockedOut := func(breaking string) func(*testing.T, *harness.Cluster) func() {
		return func(t *testing.T, c *harness.Cluster) func() {
			c.On(t, "w1", breaking)
			return func() {
				c.Must(t, "lab", "down", "w1")
				c.LabUp(t)
			}
		}
	}
	return []fault{
		{
			"a machine that is off",
			func(t *testing.T, c *harness.Cluster) func() {
				c.Must(t, "lab", "down", "w1", "--keep-disk")
				return func() { c.LabUp(t) }
			},
			unreachable,
			[]string{"w1", "switched on"},
		},
		{
			"a refused key",
			lockedOut("ssh-keygen -q -t ed25519 -N '' -f /root/other; cat /root/other.pub >/etc/ssh/kbm_user_ca.pub"),
			unreachable,
			[]string{"w1", "refuses the login", "ssh.user"},
		},
		{
			"a wrong host key",
			lockedOut("rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; sed -i /HostCertificate/d /etc/ssh/sshd_config.d/00-kbm.conf; systemctl restart ssh"),
			unreachable,
			[]string{"w1", "may not be the machine", "ssh.hostKey"},
		},
		{
			"a full disk",
			onW1("mkdir -p /var/lib/kbm; mount -t tmpfs -o size=8m tmpfs /var/lib/kbm", "umount /var/lib/kbm"),
			failed,
			[]string{"w1", "free", "make room"},
		},
		{
			"a wrong clock",
			onW1(`cp /usr/bin/date /root/date; printf '#!/bin/sh\nexec /root/date -d "+10 min" "$@"\n' >/root/wrong; chmod +x /root/wrong; mount --bind /root/wrong /usr/bin/date`, "umount /usr/bin/date"),
			failed,
			[]string{"w1", "clock is 10m0s ahead", "set the clock"},
		},
		{
			"a port that is taken",
			onW1("systemd-run --quiet --unit taken socat TCP-LISTEN:10250,fork,reuseaddr /dev/null", "systemctl stop taken"),
			failed,
			[]string{"w1", "10250", "stop it"},
		},
		{
			"two machines with one machine-id",
			func(t *testing.T, c *harness.Cluster) func() {
				id := c.On(t, "cp1", "cat /etc/machine-id")
				own := c.On(t, "w1", "cat /etc/machine-id; echo "+id+" >/etc/machine-id")
				return func() { c.On(t, "w1", "echo "+own+" >/etc/machine-id") }
			},
			failed,
			[]string{"w1", "cp1", "machine-id", "remove"},
		},
		{"a corrupted artefact", corruptedArtefact, failed, []string{"bin/kubelet", "kbm bundle build"}},
		{
			"another kbm at work",
			onW1("systemd-run --quiet --unit other sh -c 'exec 9<>/run/kbm.lock && flock -n 9 && echo anna on laptop >/run/kbm.lock && exec sleep 600'; sleep 0.5", "systemctl stop other; rm -f /run/kbm.lock"),
			locked,
			[]string{"w1", "anna on laptop", "wait"},
		},
		{
			"all at once",
			func(t *testing.T, c *harness.Cluster) func() {
				mend := corruptedArtefact(t, c)
				c.On(t, "cp1", "systemd-run --quiet --unit taken socat TCP-LISTEN:6443,fork,reuseaddr /dev/null")
				c.Must(t, "lab", "down", "w1", "--keep-disk")
				return func() {
					mend()
					c.On(t, "cp1", "systemctl stop taken")
					c.LabUp(t)
				}
			},
			unreachable,
			[]string{"w1", "switched on", "cp1", "6443", "bin/kubelet", "3 faults, and nothing was touched"},
		},
	}
}

// corruptedArtefact gives the cluster a bundle in which one byte of the kubelet
// is another.
func corruptedArtefact(t *testing.T, c *harness.Cluster) func() {
	own := strings.TrimSpace(c.Must(t, "bundle", "path"))
	bad := t.TempDir()
	for _, name := range []string{"manifest.json", "cni", "images"} {
		if err := os.Symlink(filepath.Join(own, name), filepath.Join(bad, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(bad, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	programs, err := filepath.Glob(filepath.Join(own, "bin", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		if err := os.Link(program, filepath.Join(bad, "bin", filepath.Base(program))); err != nil {
			t.Fatal(err)
		}
	}
	kubelet := filepath.Join(bad, "bin", "kubelet")
	content, err := os.ReadFile(kubelet)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	// The link leads to the real one: it is replaced, not written to.
	if err := os.Remove(kubelet); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kubelet, content, 0o755); err != nil {
		t.Fatal(err)
	}
	c.Edit(t, "cluster.yaml", "  # dir: ../bundle", "  dir: "+bad)
	return func() { c.Edit(t, "cluster.yaml", "  dir: "+bad, "  # dir: ../bundle") }
}
