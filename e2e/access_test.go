//go:build lab

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// The API server reaches into pods on every node, and verifies the kubelets'
// certificates on the way: see kubeletsAreVerified.
func logsExecPortForward(t *testing.T, c *harness.Cluster) {
	for _, node := range c.Nodes {
		pod := "probe-" + node.Name
		if logs := c.Kubectl(t, "-n", "e2e", "logs", "deployment/"+pod); !strings.Contains(logs, "8080") {
			t.Errorf("logs of %s: %q", pod, logs)
		}
		if got := inProbe(t, c, node.Name, "hostname"); got != pod {
			t.Errorf("exec in %s: %q", pod, got)
		}
		if got := throughPortForward(t, c, pod); got != pod {
			t.Errorf("port-forward to %s: %q", pod, got)
		}
	}
}

func throughPortForward(t *testing.T, c *harness.Cluster, pod string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := c.Command(ctx, "lab", "exec", "--", "kubectl", "-n", "e2e", "port-forward", "deployment/"+pod, ":8080")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // killed, as told
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	port := regexp.MustCompile(`^Forwarding from 127\.0\.0\.1:(\d+) `).FindStringSubmatch(line)
	if port == nil {
		t.Fatalf("port-forward to %s: %q, %v", pod, line, err)
	}
	return c.Exec(t, "curl", "-sS", "--max-time", "10", "http://127.0.0.1:"+port[1]+"/hostname").Stdout
}

// A kubelet's serving certificate is the cluster CA's, for the node's own
// address, and nobody is let in without one.
func kubeletsAreVerified(t *testing.T, c *harness.Cluster) {
	for _, node := range c.Nodes {
		got := status(t, c, fmt.Sprintf("https://%s:10250/pods", node.Address))
		if got != "401" {
			t.Errorf("kubelet of %s answers a stranger with %s", node.Name, got)
		}
		if got := c.Exec(t, "curl", "-sS", "--max-time", "5", "http://"+node.Address+":10255/pods"); got.Code == 0 {
			t.Errorf("kubelet of %s has an open port: %s", node.Name, got.All())
		}
	}
	if flags := c.On(t, "cp1", "tr '\\0' ' ' </proc/$(pgrep -x kube-apiserver)/cmdline"); !strings.Contains(flags, "--kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt ") {
		t.Errorf("the API server does not verify kubelets: %s", flags)
	}
}

// status is the HTTP status of an answer from a server that the cluster's CA
// vouches for; a certificate that does not fit fails the test.
func status(t *testing.T, c *harness.Cluster, url string) string {
	t.Helper()
	got := c.Exec(t, "curl", "-sS", "--max-time", "10", "--cacert", filepath.Join(c.Dir, "pki/ca.crt"), "-o", "/dev/null", "-w", "%{http_code}", url)
	if got.Code != 0 {
		t.Errorf("%s: %s", url, got.All())
	}
	return got.Stdout
}

// kbm kubeconfig --merge adds to a person's own file and never takes away.
func kubeconfig(t *testing.T, c *harness.Cluster) {
	const own = `apiVersion: v1
kind: Config
current-context: mine
clusters: [{name: mine, cluster: {server: "https://mine.example:6443"}}]
contexts: [{name: mine, context: {cluster: mine, user: me}}]
users: [{name: me, user: {token: keep-me}}]
`
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	mine := *c
	mine.Env = []string{"KUBECONFIG=" + file}
	for range 2 {
		mine.Must(t, "kubeconfig", "--merge")
	}
	kubectl := func(args ...string) string {
		return strings.TrimSpace(c.Must(t, append([]string{"lab", "exec", "--", "kubectl", "--kubeconfig", file}, args...)...))
	}
	if got := kubectl("config", "current-context"); got != "mine" {
		t.Errorf("current context: %q", got)
	}
	if got := kubectl("config", "view", "--raw", "-o", "jsonpath={.users[?(@.name=='me')].user.token}"); got != "keep-me" {
		t.Errorf("the person's own token: %q", got)
	}
	if got := kubectl("--context", "e2e", "get", "--raw", "/readyz"); got != "ok" {
		t.Errorf("the cluster through the merged file: %q", got)
	}

	// Another cluster of the same name is not overwritten.
	other := strings.ReplaceAll(own, "mine", "e2e")
	if err := os.WriteFile(file, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := mine.Kbm(t, "kubeconfig", "--merge"); got.Code != 2 || !strings.Contains(got.Stderr, file) {
		t.Errorf("another cluster of this name: %s", got.All())
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != other {
		t.Errorf("another cluster's kubeconfig has become %q, %v", got, err)
	}
}
