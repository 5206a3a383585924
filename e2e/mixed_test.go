//go:build lab

package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

const adoptedAddress = "10.90.0.13"

// testMixed is a cluster of machines that came to be in three ways: Ignition
// read a medium, cloud-init read one, and one was there before, with a system,
// a user and host keys of its own. That one is only taken by its fingerprint.
func testMixed(t *testing.T) {
	c := harness.New(t, nil)
	own := c.Outside(t, "id")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", own).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(own + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	c.Edit(t, "cluster.yaml", "\nssh:\n", "\nssh:\n  identityFiles: ["+own+"]\n  authorizedKeys: ["+strings.TrimSpace(string(public))+"]\n")
	c.AddNode(t, harness.Node{Name: "cp1", Role: "controller"})
	c.AddNode(t, harness.Node{Name: "w1", Role: "worker", Args: []string{"--os", "debian", "--media", "nocloud"}})
	said := c.Must(t, "lab", "up", "--adopt", "old="+adoptedAddress+"/24")
	adopt(t, c, said)

	up := c.Kbm(t, "up")
	if up.Code != 0 {
		t.Fatalf("kbm up: %s", up.All())
	}
	if again := c.Up(t); !strings.HasPrefix(again, "Nothing to do: 3 nodes are as the spec says") {
		t.Errorf("second kbm up: %s", again)
	}
	for name, n := range nodes(t, c) {
		if !n.ready {
			t.Errorf("%s is not Ready", name)
		}
	}
	startProbes(t, c)
	podsAndServices(t, c)

	for node, want := range map[string]string{"cp1": "no cloud-init", "w1": "DataSourceNoCloud", "old": "no cloud-init"} {
		const found = `if command -v cloud-init >/dev/null; then cloud-init status --wait --long; else echo no cloud-init; fi`
		if got := c.On(t, node, found); !strings.Contains(got, want) {
			t.Errorf("first boot of %s: got %q, want %q", node, got, want)
		}
		// systemd-resolved answers at 127.0.0.53, for the machine alone.
		if got := c.On(t, node, "grep 127.0.0 /run/kbm-resolv.conf || true"); got != "" {
			t.Errorf("pods of %s are told to ask %s", node, got)
		}
	}
	if got := c.On(t, "old", "ls /etc/ssh/sshd_config.d /etc/systemd/network"); got != "/etc/ssh/sshd_config.d:\nowner.conf\n\n/etc/systemd/network:\nowner.network" {
		t.Errorf("the adopted machine's own SSH and network: %q", got)
	}
}

// adopt runs the command that kbm lab up has printed, and then has kbm up refuse
// the machine by another fingerprint.
func adopt(t *testing.T, c *harness.Cluster, said string) {
	t.Helper()
	command := regexp.MustCompile(`(?m)^  kbm --dir \S+ (add-node old .*--host-key (SHA256:\S+))$`).FindStringSubmatch(said)
	if command == nil {
		t.Fatalf("kbm lab up --adopt: %q", said)
	}
	c.Must(t, strings.Fields(command[1])...)
	c.Nodes = append(c.Nodes, harness.Node{Name: "old", Role: "worker", Address: adoptedAddress})

	right, wrong := command[2], "SHA256:"+strings.Repeat("A", 43)
	c.Edit(t, "nodes/old.yaml", right, wrong)
	before := made(t, c, "cp1")
	fault{code: unreachable, says: []string{"old (" + adoptedAddress, "may not be the machine", right, wrong, "ssh.hostKey"}}.judge(t, "up", c.Kbm(t, "up"))
	if after := made(t, c, "cp1"); after != before {
		t.Errorf("cp1 was touched:\nbefore: %s\nafter: %s", before, after)
	}
	c.Edit(t, "nodes/old.yaml", wrong, right)
}
