//go:build lab

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// settle is how long Kubernetes itself may take until all it shows is true: the
// kubelet tries again after a minute to show a static pod to the API server.
const settle = 3 * time.Minute

// unready names the first node or pod that is not Ready.
func unready(t *testing.T, c *harness.Cluster) error {
	t.Helper()
	for name, node := range nodes(t, c) {
		if !node.ready {
			return fmt.Errorf("node %s is not Ready", name)
		}
	}
	shown := map[string]bool{}
	for _, pod := range pods(t, c, "kube-system") {
		if !pod.ready() {
			return fmt.Errorf("%s is not Ready", pod.Metadata.Name)
		}
		shown[pod.Metadata.Name] = true
	}
	for _, pod := range []string{"kube-apiserver-cp1", "kube-controller-manager-cp1", "kube-scheduler-cp1"} {
		if !shown[pod] {
			return fmt.Errorf("%s is not shown", pod)
		}
	}
	return nil
}

func kubeSystem(t *testing.T, c *harness.Cluster) {
	c.Eventually(t, settle, func() error { return unready(t, c) })
	perNode := map[string]int{}
	for _, pod := range pods(t, c, "kube-system") {
		if strings.HasPrefix(pod.Metadata.Name, "flannel-") || strings.HasPrefix(pod.Metadata.Name, "kube-proxy-") {
			perNode[pod.Spec.NodeName]++
		}
	}
	for _, node := range c.Nodes {
		if perNode[node.Name] != 2 {
			t.Errorf("%s has %d pods of flannel and kube-proxy, want one of each", node.Name, perNode[node.Name])
		}
	}
}

// Nothing in the cluster has met a certificate that it did not trust.
func noCertificateComplaint(t *testing.T, c *harness.Cluster) {
	const words = `'x509: |bad certificate|unknown authority|certificate (is not valid|has expired|required|signed by)|remote error: tls|rejected connection'`
	for _, node := range c.Nodes {
		got := c.On(t, node.Name, `{ journalctl --no-pager -o cat -u kubelet -u containerd -u etcd
cat /var/log/pods/kube-system_*/*/*.log; } | grep -E `+words+` | sort | uniq -c | head -20 || true`)
		if got != "" {
			t.Errorf("%s complains about certificates:\n%s", node.Name, got)
		}
	}
}

// Machines that are rebooted, the only controller among them, come back by
// themselves, with everything that ran.
func reboot(t *testing.T, c *harness.Cluster) {
	boot := map[string]string{}
	const id = "systemctl show --value -p UserspaceTimestampMonotonic; stat -c %Y /proc/1"
	for _, node := range []string{"w1", "cp1"} {
		boot[node] = c.On(t, node, id)
		c.Kbm(t, "ssh", node, "--", "systemctl", "reboot") // the connection may end with an error
	}
	for node, before := range boot {
		c.Eventually(t, settle, func() error {
			r := c.Kbm(t, "ssh", node, "--", "sh", "-c", id)
			if r.Code != 0 || strings.TrimSpace(r.Stdout) == before {
				return fmt.Errorf("%s has not rebooted: %s", node, r.All())
			}
			return nil
		})
	}
	c.Eventually(t, settle, func() error {
		if r := c.Exec(t, "kubectl", "get", "--raw", "/readyz"); r.Code != 0 {
			return fmt.Errorf("API server: %s", r.All())
		}
		return nil
	})
	c.Eventually(t, settle, func() error { return unready(t, c) })
	c.Eventually(t, settle, func() error {
		for i := range c.Nodes {
			url := fmt.Sprintf("http://%s:%d/hostname", c.Address(t, "w1"), nodePort(i))
			if r := c.Exec(t, "curl", "-sS", "--max-time", "5", url); r.Stdout != "probe-"+c.Nodes[i].Name {
				return fmt.Errorf("%s: %s", url, r.All())
			}
		}
		return nil
	})
	nothingLeftToDo(t, c)
}
