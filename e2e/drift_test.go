//go:build lab

package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// Files that were changed, deleted or opened by hand are reported by node and
// path, secret ones without a word of their content. kbm up heals them, and
// restarts what reads them at its start and nothing else.
func filesChangedByHand(t *testing.T, c *harness.Cluster) {
	c.On(t, "w1", "echo 'maxPods: 42' >>/etc/kubernetes/kubelet.yaml")
	c.On(t, "ed1", "rm /etc/containerd/config.toml /etc/ssh/kbm_authorized_keys")
	c.On(t, "cp1", `cd /etc/kubernetes
echo not-for-any-eye >>pki/kubelet-serving.key
chmod 644 pki/sa.key
chown nobody pki/front-proxy-client.key
rm manifests/kube-scheduler.yaml
while pgrep -x kube-scheduler; do sleep 0.1; done >&2`)
	units, pods := running(t, c), containers(t, c)

	diff := wantDiff(t, c, map[string][]string{
		"w1": {
			"update   /etc/kubernetes/kubelet.yaml (content differs)",
			"--- /etc/kubernetes/kubelet.yaml", "+++ /etc/kubernetes/kubelet.yaml", "\n      -maxPods: 42\n",
			"restart  kubelet.service",
		},
		"ed1": {"create   /etc/containerd/config.toml (is missing)", "create   /etc/ssh/kbm_authorized_keys (is missing)", "restart  containerd.service"},
		"cp1": {
			"update   /etc/kubernetes/pki/kubelet-serving.key (content differs)",
			"mode     /etc/kubernetes/pki/sa.key (mode is 0644, not 0600)",
			"mode     /etc/kubernetes/pki/front-proxy-client.key (owner is nobody:root, not root:root)",
			"create   /etc/kubernetes/manifests/kube-scheduler.yaml (is missing)",
		},
	})
	if strings.Contains(diff, "not-for-any-eye") || strings.Contains(diff, "PRIVATE KEY") {
		t.Errorf("kbm diff shows a secret:\n%s", diff)
	}
	if json := c.Kbm(t, "diff", "-o", "json"); json.Code != 3 || strings.Contains(json.Stdout, "not-for-any-eye") || !strings.Contains(json.Stdout, `"object":"/etc/kubernetes/pki/kubelet-serving.key"`) {
		t.Errorf("kbm diff -o json: %s", json.All())
	}

	c.Up(t)
	nothingLeftToDo(t, c)
	c.Eventually(t, time.Minute, func() error {
		if c.On(t, "cp1", "pgrep -x kube-scheduler || true") == "" {
			return errors.New("no scheduler runs")
		}
		return nil
	})
	wantChanged(t, "units", units, running(t, c), "w1 kubelet", "ed1 containerd", "cp1 kube-scheduler")
	if got := c.On(t, "cp1", "stat -c '%a %U' /etc/kubernetes/pki/sa.key /etc/kubernetes/pki/front-proxy-client.key"); got != "600 root\n600 root" {
		t.Errorf("modes on cp1: %q", got)
	}
	wantChanged(t, "pods", pods, those(pods, containers(t, c)))
}

// Units that were stopped, masked or switched off run again afterwards, also
// the one that the API server needs to say anything at all.
func unitsStoppedByHand(t *testing.T, c *harness.Cluster) {
	units := running(t, c)
	c.On(t, "w1", "systemctl stop kubelet")
	c.On(t, "ed1", `systemctl stop kubelet
ln -sf /dev/null /etc/systemd/system/kubelet.service
systemctl daemon-reload`)
	c.On(t, "cp1", "systemctl disable --now etcd")
	wantDiff(t, c, map[string][]string{
		"w1":  {"start    kubelet.service (is not running)"},
		"ed1": {"/etc/systemd/system/kubelet.service", "start    kubelet.service (is not running)"},
		"cp1": {"enable   etcd.service", "start    etcd.service (is not running)"},
	})
	c.Up(t)
	nothingLeftToDo(t, c)
	wantChanged(t, "units", units, running(t, c), "w1 kubelet", "ed1 kubelet", "cp1 etcd")
	for _, node := range c.Nodes {
		if got := c.On(t, node.Name, "systemctl is-enabled kubelet containerd; systemctl is-active kubelet containerd"); got != "enabled\nenabled\nactive\nactive" {
			t.Errorf("on %s: %q", node.Name, got)
		}
	}
}

// Objects of the addons that were changed or deleted by hand are named with the
// fields that differ, and come back; what others added stays.
func objectsChangedByHand(t *testing.T, c *harness.Cluster) {
	kubectl := func(args ...string) string { return c.Kubectl(t, append([]string{"-n", "kube-system"}, args...)...) }
	config := kubectl("get", "configmap", "kube-proxy", "-o", "jsonpath={.data}")
	kubectl("patch", "configmap", "kube-proxy", "--type=merge", "-p", `{"data":{"config.yaml":"mode: iptables"}}`)
	kubectl("label", "daemonset", "flannel", "--overwrite", "app.kubernetes.io/part-of=mine", "other.example/mark=1")
	kubectl("delete", "service", "kube-dns")
	kubectl("delete", "daemonset", "kube-proxy")

	diff := c.Kbm(t, "diff")
	for _, line := range []string{"ConfigMap kube-system/kube-proxy", "DaemonSet kube-system/flannel", "Service kube-system/kube-dns", "DaemonSet kube-system/kube-proxy"} {
		if !strings.Contains(diff.Stdout, line) {
			t.Errorf("kbm diff does not name %s", line)
		}
	}
	if diff.Code != 3 || t.Failed() {
		t.Errorf("kbm diff: %s", diff.All())
	}
	for _, node := range c.Nodes {
		if got := section(diff.Stdout, node.Name); got != "" {
			t.Errorf("kbm diff is not to speak of %s: %s", node.Name, got)
		}
	}
	c.Up(t)
	nothingLeftToDo(t, c)
	if got := kubectl("get", "configmap", "kube-proxy", "-o", "jsonpath={.data}"); got != config {
		t.Errorf("kube-proxy's configuration: %s, want %s", got, config)
	}
	if got := kubectl("get", "daemonset", "flannel", "-o", `jsonpath={.metadata.labels.app\.kubernetes\.io/part-of} {.metadata.labels.other\.example/mark}`); got != "network 1" {
		t.Errorf("labels of flannel: %s", got)
	}
	if got := kubectl("get", "service", "kube-dns", "-o", "jsonpath={.spec.clusterIP}"); got != "10.96.0.10" {
		t.Errorf("address of the cluster's DNS: %s", got)
	}
	if got := kubectl("get", "daemonset", "kube-proxy", "-o", "jsonpath={.status.numberReady}"); got != "3" {
		t.Errorf("kube-proxy runs on %s nodes", got)
	}
}
