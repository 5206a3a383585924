//go:build lab

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// probe is a pod on one node, and ways to reach it: a Service of its own, which
// every node also answers for on a port, and a name below the headless Service.
// agnhost tells its host name to whoever asks.
const probe = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: probe-%[1]s, namespace: e2e}
spec:
  selector: {matchLabels: {node: %[1]s}}
  strategy: {type: Recreate}
  template:
    metadata:
      labels: {app: probe, node: %[1]s}
    spec:
      hostname: probe-%[1]s
      subdomain: probes
      nodeSelector: {kubernetes.io/hostname: %[1]s}
      tolerations:
      - {key: node-role.kubernetes.io/control-plane}
      - {key: node-role.kubernetes.io/edge}
      terminationGracePeriodSeconds: 0
      containers:
      - name: agnhost
        image: %[2]s
        imagePullPolicy: Never
        args: [netexec, --http-port=8080]
        readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: on-%[1]s, namespace: e2e}
spec:
  type: NodePort
  selector: {node: %[1]s}
  ports: [{port: 80, targetPort: 8080, nodePort: %[3]d}]
---
`

const probeServices = `
apiVersion: v1
kind: Namespace
metadata: {name: e2e}
---
apiVersion: v1
kind: Namespace
metadata: {name: elsewhere}
---
apiVersion: v1
kind: Service
metadata: {name: probes, namespace: e2e}
spec:
  clusterIP: None
  selector: {app: probe}
  ports: [{port: 8080}]
---
`

// startProbes puts one on each node. What is there already is left alone.
func startProbes(t *testing.T, c *harness.Cluster) {
	t.Helper()
	manifest := probeServices
	for i, node := range c.Nodes {
		manifest += fmt.Sprintf(probe, node.Name, agnhost(t, c), nodePort(i))
	}
	c.Apply(t, manifest)
	c.Eventually(t, settle, func() error {
		ready := map[string]bool{}
		for _, pod := range pods(t, c, "e2e") {
			ready[pod.Spec.NodeName] = ready[pod.Spec.NodeName] || pod.ready()
		}
		for _, node := range c.Nodes {
			if !ready[node.Name] {
				return fmt.Errorf("the probe on %s is not Ready", node.Name)
			}
		}
		return nil
	})
}

func nodePort(node int) int { return 30081 + node }

// agnhost is the image's reference: each release of Kubernetes has its own.
func agnhost(t *testing.T, c *harness.Cluster) string {
	t.Helper()
	for line := range strings.Lines(c.Must(t, "bundle", "list")) {
		if fields := strings.Fields(line); fields[0] == "agnhost" {
			return fields[len(fields)-1]
		}
	}
	t.Fatal("the bundle has no agnhost: kbm bundle build lab")
	return ""
}

// inProbe runs a shell script in the pod on a node, which has to succeed.
func inProbe(t *testing.T, c *harness.Cluster, node, script string) string {
	t.Helper()
	return c.Kubectl(t, "-n", "e2e", "exec", "deployment/probe-"+node, "--", "sh", "-euc", script)
}

// target is an address that answers with a host name.
type target struct{ what, url, host string }

// ask is a shell script that asks all targets and prints a line for each.
func ask(targets []target) string {
	var script strings.Builder
	for _, target := range targets {
		fmt.Fprintf(&script, "curl -sS --max-time 5 %s/hostname 2>&1 || true; echo\n", target.url)
	}
	return script.String()
}

// answered compares what ask printed with what the targets should have said.
func answered(t *testing.T, from string, targets []target, out string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(targets) {
		t.Fatalf("%s: %d answers to %d questions:\n%s", from, len(lines), len(targets), out)
	}
	for i, target := range targets {
		if lines[i] != target.host {
			t.Errorf("%s to %s (%s): %q, want %q", from, target.what, target.url, lines[i], target.host)
		}
	}
}
