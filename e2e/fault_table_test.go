//go:build lab

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

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
			name: "a machine that is off",
			broken: func(t *testing.T, c *harness.Cluster) func() {
				c.Must(t, "lab", "down", "w1", "--keep-disk")
				return func() { c.LabUp(t) }
			},
			code:   unreachable,
			says:   []string{"w1", "switched on"},
			upOnly: true,
		},
		{
			name:   "a refused key",
			broken: lockedOut("ssh-keygen -q -t ed25519 -N '' -f /root/other; cat /root/other.pub >/etc/ssh/kbm_user_ca.pub"),
			code:   unreachable,
			says:   []string{"w1", "refuses the login", "ssh.user"},
		},
		{
			name:   "a wrong host key",
			broken: lockedOut("rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; sed -i /HostCertificate/d /etc/ssh/sshd_config.d/00-kbm.conf; systemctl restart ssh"),
			code:   unreachable,
			says:   []string{"w1", "may not be the machine", "ssh.hostKey"},
		},
		{
			name:   "a full disk",
			broken: onW1("mkdir -p /var/lib/kbm; mount -t tmpfs -o size=8m tmpfs /var/lib/kbm", "umount /var/lib/kbm"),
			code:   failed,
			says:   []string{"w1", "free", "make room"},
		},
		{
			name:   "a small disk for programs",
			broken: onW1("mkdir -p /opt/bin; mount -t tmpfs -o size=50m tmpfs /opt/bin", "umount /opt/bin; rmdir /opt/bin"),
			code:   failed,
			says:   []string{"w1", "needed on /opt/bin", "make room"},
		},
		{
			name:   "a wrong clock",
			broken: onW1(`cp /usr/bin/date /root/date; printf '#!/bin/sh\nexec /root/date -d "+10 min" "$@"\n' >/root/wrong; chmod +x /root/wrong; mount --bind /root/wrong /usr/bin/date`, "umount /usr/bin/date"),
			code:   failed,
			says:   []string{"w1", "clock is 10m0s ahead", "set the clock"},
		},
		{
			name:   "a port that is taken",
			broken: onW1(take(10250), "systemctl stop taken"),
			code:   failed,
			says:   []string{"w1", "10250", "stop it"},
		},
		{
			name: "two machines with one machine-id",
			broken: func(t *testing.T, c *harness.Cluster) func() {
				id := c.On(t, "cp1", "cat /etc/machine-id")
				own := c.On(t, "w1", "cat /etc/machine-id; echo "+id+" >/etc/machine-id")
				return func() { c.On(t, "w1", "echo "+own+" >/etc/machine-id") }
			},
			code: failed,
			says: []string{"w1", "cp1", "machine-id", "remove"},
		},
		{
			name:   "a corrupted artefact",
			broken: corruptedArtefact,
			code:   failed,
			says:   []string{"bin/kubelet", "kbm bundle build"},
		},
		{
			name: "another kbm at work",
			broken: onW1("systemd-run --quiet --unit other sh -c 'exec 9<>/run/kbm.lock && flock -n 9 && echo anna on laptop >/run/kbm.lock && exec sleep 600'; "+
				"until grep -qs anna /run/kbm.lock; do sleep 0.1; done", "systemctl stop other; rm -f /run/kbm.lock"),
			code: locked,
			says: []string{"w1", "anna on laptop", "wait"},
		},
		{
			name: "all at once",
			broken: func(t *testing.T, c *harness.Cluster) func() {
				mend := corruptedArtefact(t, c)
				c.On(t, "cp1", take(6443))
				c.Must(t, "lab", "down", "w1", "--keep-disk")
				return func() {
					mend()
					c.On(t, "cp1", "systemctl stop taken")
					c.LabUp(t)
				}
			},
			code: unreachable,
			says: []string{"w1", "switched on", "cp1", "6443", "bin/kubelet", "3 faults, and nothing was touched"},
		},
	}
}

// take is a script that has a unit listen on a port, and ends when it does:
// systemd-run does not wait for that.
func take(port int) string {
	return fmt.Sprintf(`systemd-run --quiet --unit taken socat TCP-LISTEN:%[1]d,fork,reuseaddr /dev/null
until ss -Hltn sport = :%[1]d | grep -q .; do sleep 0.1; done`, port)
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
