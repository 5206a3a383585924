//go:build lab

package e2e

import (
	"encoding/base64"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// Nobody is served without a name, but for the paths that probes ask; and a
// kubelet has a kubelet's rights and no more.
func anonymous(t *testing.T, c *harness.Cluster) {
	api := "https://" + c.Address(t, "cp1") + ":6443"
	for path, want := range map[string]string{
		"/livez": "200", "/readyz": "200", "/healthz": "200",
		"/": "401", "/version": "401", "/metrics": "401", "/openapi/v2": "401", "/api/v1/secrets": "401",
	} {
		if got := status(t, c, api+path); got != want {
			t.Errorf("a stranger gets %s from %s, want %s", got, path, want)
		}
	}
	const asKubelet = `cd /etc/kubernetes/pki
curl -sS -o /dev/null -w '%{http_code}' --cacert ca.crt --cert kubelet-client.crt --key kubelet-client.key `
	for path, want := range map[string]string{"/api/v1/nodes/w1": "200", "/api/v1/secrets": "403"} {
		if got := c.On(t, "w1", asKubelet+api+path); got != want {
			t.Errorf("the kubelet of w1 gets %s from %s, want %s", got, path, want)
		}
	}
	if got := c.On(t, "w1", asKubelet+`-X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"metadata":{"labels":{"stolen":"1"}}}' `+api+"/api/v1/nodes/ed1"); got != "403" {
		t.Errorf("the kubelet of w1 changes ed1: %s", got)
	}
}

const etcdGet = `/opt/bin/etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key get --print-value-only `

// A secret's value is encrypted in etcd, and not in the audit log, which does
// tell who wrote it.
func secrets(t *testing.T, c *harness.Cluster) {
	const value = "swordfish-of-the-e2e-test"
	c.Kubectl(t, "-n", "e2e", "delete", "secret", "word", "--ignore-not-found")
	c.Kubectl(t, "-n", "e2e", "create", "secret", "generic", "word", "--from-literal=word="+value)
	if got := c.Kubectl(t, "-n", "e2e", "get", "secret", "word", "-o", "jsonpath={.data.word}"); got != base64.StdEncoding.EncodeToString([]byte(value)) {
		t.Errorf("the secret reads as %q", got)
	}
	raw := c.On(t, "cp1", etcdGet+"/registry/secrets/e2e/word")
	if !strings.HasPrefix(raw, "k8s:enc:secretbox:v1:") || strings.Contains(raw, "swordfish") {
		t.Errorf("the secret lies in etcd as %q", raw)
	}
	audit := c.On(t, "cp1", "grep '\"resource\":\"secrets\",\"namespace\":\"e2e\",\"name\":\"word\"' /var/log/kubernetes/audit.log")
	if !strings.Contains(audit, `"verb":"create"`) || !strings.Contains(audit, `"username":`) {
		t.Errorf("the audit log does not tell who wrote the secret: %s", audit)
	}
	// The journal of sudo has the words of this very command: they are split.
	encoded := base64.StdEncoding.EncodeToString([]byte(value))[:20]
	if found := c.On(t, "cp1", "grep -rlE 'sword''fish|"+encoded[:10]+"''"+encoded[10:]+"' /var/log || true"); found != "" {
		t.Errorf("the secret's value is in %s", found)
	}
}

func podSecurity(t *testing.T, c *harness.Cluster) {
	got := c.Exec(t, "kubectl", "-n", "default", "run", "privileged", "--image=x", "--privileged")
	if got.Code == 0 || !strings.Contains(got.Stderr, `violates PodSecurity "baseline:latest"`) {
		t.Errorf("a privileged pod: %s", got.All())
	}
}

// Nobody but root reads a key, on the nodes or in the cluster's folder, and no
// process shows one in its arguments.
func keysArePrivate(t *testing.T, c *harness.Cluster) {
	encryption := strings.TrimSpace(c.Read(t, "pki/encryption.key"))
	for _, node := range c.Nodes {
		// The bundle's images are large, and the same for everybody.
		keys := strings.Split(c.On(t, node.Name, `grep -rlE --exclude-dir=images -- '-----BEGIN [A-Z ]*PRIVATE KEY' /etc /var/lib/kbm /root /home | xargs stat -c '%a %U %n'`), "\n")
		if len(keys) < 3 {
			t.Errorf("%s has %d keys only, so this test looks in the wrong place: %s", node.Name, len(keys), keys)
		}
		for _, key := range keys {
			if !strings.HasPrefix(key, "600 root ") {
				t.Errorf("%s has a key that others may read: %s", node.Name, key)
			}
		}
		processes := c.On(t, node.Name, `cat /proc/[0-9]*/cmdline | tr '\0' '\n'`)
		if strings.Contains(processes, "BEGIN EC"+" PRIVATE") || strings.Contains(processes, "-----BEGIN") || strings.Contains(processes, encryption) {
			t.Errorf("a process of %s has a key in its arguments", node.Name)
		}
	}
	if mode := c.On(t, "cp1", "stat -c %a /etc/kubernetes/apiserver/encryption.yaml /var/log/kubernetes/audit.log /var/lib/etcd"); mode != "600\n600\n700" {
		t.Errorf("modes of the encryption key, the audit log and etcd's folder: %q", mode)
	}
	err := filepath.WalkDir(filepath.Join(c.Dir, "pki"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
