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

// testEmbedded has media with everything on them make a cluster of machines that
// are only switched on: no kbm reaches them, and they reach nothing but each
// other. What they become is what kbm up would have made of them, with nothing
// left over.
func testEmbedded(t *testing.T) {
	c := harness.New(t, nil, harness.Node{Name: "cp1", Role: "controller"}, harness.Node{Name: "w1", Role: "worker"})
	if got := c.Kbm(t, "render", "--embed-secrets", "--embed-bundle"); got.Code != 0 || !strings.Contains(got.Stderr, "THE WHOLE CLUSTER") {
		t.Fatalf("kbm render: %s", got.All())
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "kubeconfig"), []byte(c.Must(t, "kubeconfig")), 0o600); err != nil {
		t.Fatal(err)
	}
	c.LabUp(t)
	c.Eventually(t, settle, func() error {
		ready := c.Exec(t, "kubectl", "wait", "nodes", "--for=condition=Ready", "--all", "--timeout=20s")
		if ready.Code != 0 || strings.Count(ready.Stdout, " met\n") != len(c.Nodes) {
			return fmt.Errorf("the nodes: %s", ready.All())
		}
		return nil
	})
	for _, node := range c.Nodes {
		c.Eventually(t, settle, func() error {
			if left := c.On(t, node.Name, leftOver); left != "" {
				return fmt.Errorf("%s still has %s", node.Name, left)
			}
			return nil
		})
	}
	// Kubernetes takes that back a moment after a node is Ready.
	c.Eventually(t, settle, func() error {
		for name, node := range nodes(t, c) {
			if strings.Contains(strings.Join(node.taints, " "), "node.kubernetes.io/not-ready") {
				return fmt.Errorf("%s is tainted: %s", name, node.taints)
			}
		}
		return nil
	})
	nodes(t, c)["cp1"].want(t, "cp1", map[string]string{"node-role.kubernetes.io/control-plane": ""}, "node-role.kubernetes.io/control-plane=:NoSchedule")
	nodes(t, c)["w1"].want(t, "w1", map[string]string{"node-role.kubernetes.io/worker": ""})

	if got := c.Kbm(t, "diff"); got.Code != 0 || got.Stdout != "Nothing to do.\n" {
		t.Errorf("kbm diff: %s", got.All())
	}
	if got := c.Up(t); !strings.HasPrefix(got, "Nothing to do") {
		t.Errorf("kbm up: %s", got)
	}
	if text := c.Must(t, "status"); strings.Count(text, "running") != len(c.Nodes) {
		t.Errorf("kbm status: %s", text)
	}
}

// leftOver lists what is only for the first boot.
const leftOver = `find /var/lib/kbm/first-boot /var/lib/kbm-medium /etc/systemd -name 'first-boot*' -o -name 'kbm-medium*' -o -name 'kbm-begin*' 2>/dev/null || true`
