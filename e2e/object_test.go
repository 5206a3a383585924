//go:build lab

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// object is what the tests need of Nodes and Pods.
type object struct {
	Metadata struct {
		Name              string
		Labels            map[string]string
		DeletionTimestamp string
	}
	Spec struct {
		NodeName string
		Taints   []struct{ Key, Value, Effect string }
	}
	Status struct {
		PodIP             string
		Conditions        []struct{ Type, Status string }
		NodeInfo          struct{ BootID string }
		ContainerStatuses []struct {
			ContainerID  string
			RestartCount int
		}
	}
}

func (o object) ready() bool {
	return slices.ContainsFunc(o.Status.Conditions, func(c struct{ Type, Status string }) bool { return c.Type == "Ready" && c.Status == "True" })
}

func pods(t *testing.T, c *harness.Cluster, namespace string) []object {
	t.Helper()
	var list struct{ Items []object }
	c.Get(t, "/api/v1/namespaces/"+namespace+"/pods", &list)
	return list.Items
}

// containers tells which containers run, by pod: a restart changes it. Pods on
// their way out do not count, nor do those of the control plane, of which the
// API server learns late: see running.
func containers(t *testing.T, c *harness.Cluster) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pod := range append(pods(t, c, "kube-system"), pods(t, c, "e2e")...) {
		if pod.Metadata.DeletionTimestamp == "" && !strings.HasSuffix(pod.Metadata.Name, "-"+pod.Spec.NodeName) {
			all[pod.Metadata.Name] = fmt.Sprint(pod.Status.ContainerStatuses)
		}
	}
	return all
}
