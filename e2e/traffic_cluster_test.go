//go:build lab

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// A record goes with the Ingress that asked for it, and no other does.
func recordsGo(t *testing.T, x *traffic) {
	const name = "shortlived.example.com"
	x.Apply(t, `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shortlived, namespace: e2e}
spec:
  ingressClassName: nginx
  rules:
  - {host: shortlived.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
`)
	is := func(there bool) {
		x.Eventually(t, reachable, func() error {
			if got := resolve(t, x.Cluster, name); (len(got) > 0) != there {
				return fmt.Errorf("%s is %q", name, got)
			}
			return nil
		})
	}
	is(true)
	browse(t, x.Cluster, nil).wantBody(t, "http://"+name+"/hostname", "steady")
	x.Kubectl(t, "-n", "e2e", "delete", "ingress", "shortlived")
	is(false)
	for name, address := range names {
		if got := resolve(t, x.Cluster, name); len(got) != 1 || got[0] != address {
			t.Errorf("%s has become %q", name, got)
		}
	}
	// Records that nobody in the cluster asked for are not its to touch.
	if got := resolve(t, x.Cluster, "acme.example.com"); len(got) != 1 {
		t.Errorf("a record of others has become %q", got)
	}
}

// Metrics are there for every node, from kubelets whose certificates are verified.
func kubectlTop(t *testing.T, x *traffic) {
	x.Eventually(t, reachable, func() error {
		top := x.Exec(t, "kubectl", "top", "nodes")
		for _, node := range x.Nodes {
			if top.Code != 0 || !strings.Contains(top.Stdout, node.Name) || strings.Contains(top.Stdout, "<unknown>") {
				return fmt.Errorf("kubectl top nodes: %s", top.All())
			}
		}
		return nil
	})
	if flags := x.Kubectl(t, "-n", "kube-system", "get", "deployment", "metrics-server", "-o", "yaml"); strings.Contains(flags, "insecure") {
		t.Errorf("metrics-server verifies nothing:\n%s", flags)
	}
}

func nothingToDoWithAddons(t *testing.T, x *traffic) {
	up := x.Kbm(t, "up")
	if up.Code != 0 || !strings.HasPrefix(up.Stdout, "Nothing to do: 4 nodes are as the spec says") {
		t.Fatalf("second kbm up: %s", up.All())
	}
	nothingLeftToDo(t, x.Cluster)
}
