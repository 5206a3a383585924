//go:build lab

package e2e

import (
	"maps"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// running tells since when the units of all nodes run, by "node unit", and the
// programs of the control plane.
func running(t *testing.T, c *harness.Cluster) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, node := range c.Nodes {
		units, programs := "containerd kubelet ssh systemd-networkd", ""
		if node.Role == "controller" {
			units += " etcd"
			programs = "kube-apiserver kube-controller kube-scheduler" // as long as a name can be
		}
		out := c.On(t, node.Name, "for unit in "+units+"; do echo $unit $(systemctl show --value -p MainPID -p ActiveState -p ActiveEnterTimestampMonotonic $unit); done\n"+
			"for program in "+programs+"; do echo $program $(pgrep -x $program); done")
		for line := range strings.Lines(out) {
			name, is, _ := strings.Cut(strings.TrimSpace(line), " ")
			all[node.Name+" "+name] = is
		}
	}
	return all
}

// changedKeys compares two snapshots.
func changedKeys(before, after map[string]string) map[string]bool {
	changed := map[string]bool{}
	for key, value := range after {
		if before[key] != value {
			changed[key] = true
		}
	}
	for key := range before {
		if _, there := after[key]; !there {
			changed[key] = true
		}
	}
	return changed
}

// those keeps of after what was there before.
func those(before, after map[string]string) map[string]string {
	maps.DeleteFunc(after, func(key, _ string) bool {
		_, there := before[key]
		return !there
	})
	return after
}

func wantChanged(t *testing.T, what string, before, after map[string]string, want ...string) {
	t.Helper()
	wanted := map[string]bool{}
	for _, key := range want {
		wanted[key] = true
	}
	if got := changedKeys(before, after); !maps.Equal(got, wanted) {
		t.Errorf("%s: %v have changed, want %v", what, got, wanted)
		for key := range got {
			t.Logf("%s: %q, was %q", key, after[key], before[key])
		}
	}
}

// section is what kbm diff says of one node.
func section(diff, node string) string {
	_, rest, _ := strings.Cut("\n"+diff, "\n"+node+"\n")
	var lines []string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, " ") {
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// wantDiff runs kbm diff, which has to say each of the lines about their nodes
// and nothing of other nodes.
func wantDiff(t *testing.T, c *harness.Cluster, want map[string][]string) string {
	t.Helper()
	diff := c.Kbm(t, "diff")
	if diff.Code != 3 {
		t.Fatalf("kbm diff: %s", diff.All())
	}
	for _, node := range c.Nodes {
		got := section(diff.Stdout, node.Name)
		if len(want[node.Name]) == 0 && got != "" {
			t.Errorf("kbm diff is not to speak of %s: %s", node.Name, got)
		}
		for _, line := range want[node.Name] {
			if !strings.Contains(got, line) {
				t.Errorf("kbm diff does not say %q of %s:\n%s", line, node.Name, got)
			}
		}
	}
	return diff.Stdout
}
