//go:build lab

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// A worker that is added to a running cluster becomes one of it, and no other
// machine is touched: no file, no unit, no pod. It was a machine before, with an
// SSH and a network of its own, which it keeps.
func adoptedWorker(t *testing.T, c *harness.Cluster) {
	const marker = "/run/kbm-e2e-marker"
	old := c.Nodes
	for _, node := range old {
		c.On(t, node.Name, "touch "+marker)
	}
	units, pods := running(t, c), containers(t, c)

	t.Cleanup(func() { // other parts speak of three machines
		c.Nodes = old
		removeWorker(t, c, "w2")
	})
	added := adopt(t, c, "w2", harness.Address(3))
	c.Nodes = append(old[:len(old):len(old)], added)
	wantDiff(t, c, map[string][]string{"w2": {"create   /etc/kubernetes/kubelet.yaml (is missing)", "start    kubelet.service"}})
	c.Up(t)

	nodes(t, c)["w2"].want(t, "w2", map[string]string{"node-role.kubernetes.io/worker": ""})
	c.Nodes = old
	wantChanged(t, "units", units, running(t, c))
	wantChanged(t, "pods", pods, those(pods, containers(t, c)))
	for _, node := range old {
		touched := c.On(t, node.Name, "find /etc /opt /usr /var/lib/kbm /var/lib/etcd/../kubelet/config* -newer "+marker+" -type f 2>/dev/null || true")
		if touched != "" {
			t.Errorf("files of %s were touched:\n%s", node.Name, touched)
		}
	}

	c.Eventually(t, settle, func() error { return unready(t, c) })
	if text := c.Must(t, "status"); !strings.Contains(text, "w2 ") || strings.Count(text, "running") != 4 {
		t.Errorf("kbm status: %s", text)
	}
	var status struct {
		API   string
		Nodes []struct {
			Name, Role, Address, Ready, Kubelet string
			Drift                               int
		}
		UnreadyPods []string
	}
	if err := json.Unmarshal([]byte(c.Must(t, "status", "-o", "json")), &status); err != nil {
		t.Fatal(err)
	}
	if status.API != "ok" || len(status.Nodes) != 4 || len(status.UnreadyPods) != 0 {
		t.Errorf("kbm status -o json: %+v", status)
	}
	for _, node := range status.Nodes {
		if node.Ready != "True" || node.Drift != 0 || !strings.HasPrefix(node.Kubelet, "v1.3") {
			t.Errorf("kbm status -o json: %+v", node)
		}
		if node.Name == added.Name && node.Address != added.Address {
			t.Errorf("address of %s: %s, want %s", node.Name, node.Address, added.Address)
		}
	}
	if got := c.On(t, "w2", "ls /etc/ssh/sshd_config.d /etc/systemd/network"); got != "/etc/ssh/sshd_config.d:\nowner.conf\n\n/etc/systemd/network:\nowner.network" {
		t.Errorf("its own SSH and network: %q", got)
	}
	resolverOfPods(t, c, "w2")
	c.Nodes = append(old[:len(old):len(old)], added)
	startProbes(t, c)
	if got := inProbe(t, c, "w2", "curl -sS --max-time 5 http://on-ed1/hostname"); got != "probe-ed1" {
		t.Errorf("from the new worker: %q", got)
	}
}

// removeWorker takes a machine out again.
func removeWorker(t *testing.T, c *harness.Cluster, name string) {
	t.Helper()
	c.Kubectl(t, "-n", "e2e", "delete", "deployment/probe-"+name, "service/on-"+name, "--ignore-not-found")
	c.Must(t, "lab", "down", name)
	c.Kubectl(t, "delete", "node", name, "--ignore-not-found")
	c.Kubectl(t, "-n", "kube-system", "delete", "pods", "--field-selector", "spec.nodeName="+name, "--force")
	c.Remove(t, "nodes/"+name+".yaml")
}
