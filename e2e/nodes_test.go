//go:build lab

package e2e

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

func upSaysWhatItDid(t *testing.T, up harness.Result) {
	if ok, _ := regexp.MatchString(`^Cluster e2e is ready: 3 nodes, Kubernetes v1\.3\d\.\d+ \(\d+\.\ds\)\. Its kubeconfig is \S+/kubeconfig\.\n$`, up.Stdout); !ok {
		t.Errorf("stdout: %q", up.Stdout)
	}
	// Each node's way can be followed, and a log holds no control characters.
	lines := []string{"w1: push artefacts: "} // Debian has programs where the stock has none
	for _, node := range []string{"cp1", "w1", "ed1"} {
		lines = append(lines, node+": write and start: ", node+": Ready: ")
	}
	for _, line := range lines {
		if !strings.Contains(up.Stderr, line) {
			t.Errorf("stderr has no %q:\n%s", line, up.Stderr)
		}
	}
	if strings.ContainsAny(up.Stderr, "\x1b\r") {
		t.Errorf("stderr has control characters: %q", up.Stderr)
	}
}

// How long that takes is for make bench to judge: here others are at work, too.
func nothingToDo(t *testing.T, c *harness.Cluster) {
	up := c.Kbm(t, "up")
	if up.Code != 0 || !strings.HasPrefix(up.Stdout, "Nothing to do: 3 nodes are as the spec says") {
		t.Fatalf("second kbm up: %s", up.All())
	}
	t.Logf("kbm up with nothing to do took %s", up.Took.Round(time.Millisecond))
	nothingLeftToDo(t, c)
}

func nothingLeftToDo(t *testing.T, c *harness.Cluster) {
	t.Helper()
	if diff := c.Kbm(t, "diff"); diff.Code != 0 || diff.Stdout != "Nothing to do.\n" {
		t.Fatalf("kbm diff: %s", diff.All())
	}
}

// node is what the API server knows of one.
type node struct {
	labels map[string]string // without those that the kubelet sets
	taints []string          // sorted
	ready  bool
	boot   string
}

func nodes(t *testing.T, c *harness.Cluster) map[string]node {
	t.Helper()
	all := map[string]node{}
	var list struct{ Items []object }
	c.Get(t, "/api/v1/nodes", &list)
	for _, item := range list.Items {
		n := node{labels: item.Metadata.Labels, boot: item.Status.NodeInfo.BootID}
		maps.DeleteFunc(n.labels, func(key, _ string) bool {
			return strings.Contains(key, "kubernetes.io/") && !strings.HasPrefix(key, "node-role.")
		})
		for _, taint := range item.Spec.Taints {
			n.taints = append(n.taints, fmt.Sprintf("%s=%s:%s", taint.Key, taint.Value, taint.Effect))
		}
		slices.Sort(n.taints)
		n.ready = item.ready()
		all[item.Metadata.Name] = n
	}
	return all
}

func (n node) want(t *testing.T, name string, labels map[string]string, taints ...string) {
	t.Helper()
	if !n.ready {
		t.Errorf("%s is not Ready", name)
	}
	if !maps.Equal(n.labels, labels) {
		t.Errorf("%s: labels %v, want %v", name, n.labels, labels)
	}
	if !slices.Equal(n.taints, taints) {
		t.Errorf("%s: taints %q, want %q", name, n.taints, taints)
	}
}

// Roles, labels and taints are the spec's. What leaves the spec leaves the
// node, what was changed by hand comes back, and what others set stays.
func nodeLabels(t *testing.T, c *harness.Cluster) {
	const (
		worker, disk, foreign = "node-role.kubernetes.io/worker", "example.com/disk", "other.example/mark"
		video, theirs         = "example.com/video=yes:PreferNoSchedule", "other.example/quiet=yes:PreferNoSchedule"
	)
	before := nodes(t, c)
	before["cp1"].want(t, "cp1", map[string]string{"node-role.kubernetes.io/control-plane": ""}, "node-role.kubernetes.io/control-plane=:NoSchedule")
	before["ed1"].want(t, "ed1", map[string]string{"node-role.kubernetes.io/edge": ""}, "node-role.kubernetes.io/edge=:NoSchedule")
	before["w1"].want(t, "w1", map[string]string{worker: "", disk: "ssd"}, video)

	c.Kubectl(t, "label", "node", "w1", worker+"-", foreign+"=1")
	c.Kubectl(t, "taint", "node", "w1", theirs)
	c.Edit(t, "nodes/w1.yaml", "labels:\n  example.com/disk: ssd\n", "labels: {example.com/new: \"1\"}\n")
	diff := c.Kbm(t, "diff")
	if diff.Code != 3 || !strings.Contains(diff.Stdout, "Node w1") || strings.Contains(diff.Stdout, "cp1") {
		t.Errorf("labels differ: %s", diff.All())
	}
	c.Up(t)
	nodes(t, c)["w1"].want(t, "w1", map[string]string{worker: "", "example.com/new": "1", foreign: "1"}, video, theirs)
	nothingLeftToDo(t, c)

	c.Edit(t, "nodes/w1.yaml", "labels: {example.com/new: \"1\"}\n", "labels:\n  example.com/disk: ssd\n")
	c.Kubectl(t, "label", "node", "w1", foreign+"-")
	c.Kubectl(t, "taint", "node", "w1", theirs+"-")
	c.Up(t)
	nodes(t, c)["w1"].want(t, "w1", map[string]string{worker: "", disk: "ssd"}, video)
}
