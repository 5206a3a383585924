//go:build lab

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// keys is the checksum of every file in pki/.
func keys(t *testing.T, c *harness.Cluster) map[string]string {
	t.Helper()
	sums := map[string]string{}
	root := filepath.Join(c.Dir, "pki")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		sum := sha256.Sum256(content)
		sums[strings.TrimPrefix(path, root+"/")] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// Another resolver is one for the pods' DNS, which is rolled, and for nobody else.
func editResolvers(t *testing.T, c *harness.Cluster) {
	units, certificates, before := running(t, c), keys(t, c), containers(t, c)
	c.Edit(t, "cluster.yaml", "# resolvers: [192.168.1.1]", "resolvers: [10.90.0.1]")
	if diff := c.Kbm(t, "diff"); diff.Code != 3 || !strings.Contains(diff.Stdout, "Deployment kube-system/coredns") || !strings.Contains(section(diff.Stdout, "ed1"), "\n      +DNS=10.90.0.1\n") {
		t.Errorf("kbm diff: %s", diff.All())
	}
	c.Up(t)
	nothingLeftToDo(t, c)
	wantChanged(t, "pki", certificates, keys(t, c))
	wantChanged(t, "units", units, running(t, c))
	if got := c.Kubectl(t, "-n", "kube-system", "get", "configmap", "coredns", "-o", "jsonpath={.data.Corefile}"); !strings.Contains(got, "forward . 10.90.0.1") {
		t.Errorf("Corefile: %s", got)
	}
	rolled := changedKeys(before, containers(t, c))
	for pod := range rolled {
		if !strings.HasPrefix(pod, "coredns-") {
			t.Errorf("%s was restarted", pod)
		}
	}
	if len(rolled) != 4 {
		t.Errorf("two pods of CoreDNS have to go and two to come: %v", rolled)
	}
	c.Edit(t, "cluster.yaml", "resolvers: [10.90.0.1]", "# resolvers: [192.168.1.1]")
	c.Up(t)
	nothingLeftToDo(t, c)
}

// A further name of the API server reissues its certificate and no other. That
// and a log switched off restart the API server and nothing else.
func editAPIServer(t *testing.T, c *harness.Cluster) {
	units, pods, certificates := running(t, c), containers(t, c), keys(t, c)
	const names = "extraSANs: [k8s.example.com]"
	c.Edit(t, "cluster.yaml", "# audit: true", "audit: false")
	c.Edit(t, "cluster.yaml", "# extraSANs: [k8s.example.com, 203.0.113.7]", names)
	wantDiff(t, c, map[string][]string{"cp1": {
		"update   /etc/kubernetes/pki/apiserver.crt (content differs)",
		"delete   /etc/kubernetes/apiserver/audit.yaml (is no longer in the spec)",
		"update   /etc/kubernetes/manifests/kube-apiserver.yaml", "-    - --audit-log-path=/var/log/kubernetes/audit.log",
	}})
	wantChanged(t, "pki after kbm diff", certificates, keys(t, c))
	c.Up(t)
	nothingLeftToDo(t, c)
	wantChanged(t, "pki", certificates, keys(t, c), "nodes/cp1/apiserver.crt", "nodes/cp1/apiserver.key")
	wantChanged(t, "units", units, running(t, c), "cp1 kube-apiserver")
	wantChanged(t, "pods", pods, those(pods, containers(t, c)))
	if flags := apiserverFlags(t, c); strings.Contains(flags, "--audit") {
		t.Errorf("the API server still writes an audit log: %s", flags)
	}
	got := c.Exec(t, "curl", "-sS", "--max-time", "10", "--cacert", filepath.Join(c.Dir, "pki/ca.crt"),
		"--resolve", "k8s.example.com:6443:"+c.Address(t, "cp1"), "https://k8s.example.com:6443/readyz")
	if got.Stdout != "ok" {
		t.Errorf("the API server under its new name: %s", got.All())
	}

	c.Edit(t, "cluster.yaml", "audit: false", "# audit: true")
	c.Edit(t, "cluster.yaml", names, "# extraSANs: [k8s.example.com, 203.0.113.7]")
	c.Up(t)
	nothingLeftToDo(t, c)
	if flags := apiserverFlags(t, c); !strings.Contains(flags, "--audit-log-path=") {
		t.Errorf("the API server does not write an audit log again: %s", flags)
	}
}

func apiserverFlags(t *testing.T, c *harness.Cluster) string {
	t.Helper()
	return c.On(t, "cp1", "tr '\\0' ' ' </proc/$(pgrep -x kube-apiserver)/cmdline")
}
