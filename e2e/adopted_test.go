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

// ownKey makes the key that a person has, as the owner of a machine that was
// there before knows it.
func ownKey(t *testing.T, c *harness.Cluster) {
	t.Helper()
	key := c.Outside(t, "id")
	if _, err := os.Stat(key); err == nil {
		return // a kept cluster
	}
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	c.Edit(t, "cluster.yaml", "\nssh:\n", "\nssh:\n  identityFiles: ["+key+"]\n  authorizedKeys: ["+strings.TrimSpace(string(public))+"]\n")
}

// adopt starts a machine with a system, a user and host keys of its own, and
// adds it with the command that kbm lab up prints: it is only taken by its
// fingerprint. kbm up refuses it by another, and touches nobody then.
func adopt(t *testing.T, c *harness.Cluster, name, address string) harness.Node {
	t.Helper()
	said := c.Must(t, "lab", "up", "--adopt", name+"="+address+"/24")
	command := regexp.MustCompile(`(?m)^  kbm --dir \S+ (add-node ` + name + ` .*--host-key (SHA256:\S+))$`).FindStringSubmatch(said)
	if command == nil {
		t.Fatalf("kbm lab up --adopt: %q", said)
	}
	c.Must(t, strings.Fields(command[1])...)

	file, right, wrong := "nodes/"+name+".yaml", command[2], "SHA256:"+strings.Repeat("A", 43)
	c.Edit(t, file, right, wrong)
	before := made(t, c, "cp1")
	fault{code: unreachable, says: []string{name + " (" + address, "may not be the machine", right, wrong, "ssh.hostKey"}}.judge(t, "up", c.Kbm(t, "up"))
	if after := made(t, c, "cp1"); after != before {
		t.Errorf("cp1 was touched:\nbefore: %s\nafter: %s", before, after)
	}
	c.Edit(t, file, wrong, right)
	return harness.Node{Name: name, Role: "worker", Address: address}
}

// firstBoots tells apart how the machines came to be.
func firstBoots(t *testing.T, c *harness.Cluster) {
	for node, want := range map[string]string{"cp1": "no cloud-init", "w1": "DataSourceNoCloud", "ed1": "no cloud-init"} {
		const found = `if command -v cloud-init >/dev/null; then cloud-init status --wait --long; else echo no cloud-init; fi`
		if got := c.On(t, node, found); !strings.Contains(got, want) {
			t.Errorf("first boot of %s: got %q, want %q", node, got, want)
		}
		resolverOfPods(t, c, node)
	}
}

// systemd-resolved answers at 127.0.0.53, for the machine alone.
func resolverOfPods(t *testing.T, c *harness.Cluster, node string) {
	t.Helper()
	if got := c.On(t, node, "grep 127.0.0 /run/kbm-resolv.conf || true"); got != "" {
		t.Errorf("pods of %s are told to ask %s", node, got)
	}
}
