//go:build lab

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// moment is some time after an event that `kbm up -o json` tells of.
type moment struct {
	step  string
	after time.Duration
}

// testKill ends kbm up with kill -9 at twenty moments: twelve while a cluster is
// born, on two generations of machines, and eight while a running cluster is
// changed. Every time the next run that is left alone has to come to the very
// same cluster, and to leave nothing of the interrupted ones behind. Nothing is
// sent to the second generation: it begins with a stock.
func testKill(t *testing.T) {
	c := harness.New(t, nil, harness.Node{Name: "cp1", Role: "controller"}, harness.Node{Name: "w1", Role: "worker"})
	const ms = time.Millisecond
	var reference string
	var spare map[string]bool
	for generation, moments := range [][]moment{
		{{"look", 0}, {"push artefacts", 0}, {"push artefacts", 300 * ms}, {"push artefacts", 900 * ms}, {"write and start", 0}, {"wait for the API server", 0}},
		{{"connect", 0}, {"write and start", 150 * ms}, {"write and start", 500 * ms}, {"addons", 0}, {"addons", 20 * ms}, {"addons", 500 * ms}},
	} {
		if generation == 0 {
			c.LabUp(t)
		} else {
			c.Must(t, "lab", "down")
			c.LabUpStocked(t)
			spare = c.InStock(t)
		}
		for _, m := range moments {
			killAt(t, c, m)
		}
		got := finished(t, c)
		if generation == 0 {
			reference = got
			t.Logf("a cluster is described by %d lines", strings.Count(reference, "\n"))
		}
		same(t, fmt.Sprint("born through ", moments), reference, got, spare)
	}
	// A name more or less in the API server's certificate changes certificates,
	// manifests, and what runs.
	const without, with = "# extraSANs: [k8s.example.com, 203.0.113.7]", "extraSANs: [k8s.example.com]"
	for i := range 4 {
		c.Edit(t, "cluster.yaml", without, with)
		killAt(t, c, moment{"write and start", time.Duration(i) * 120 * ms})
		c.Edit(t, "cluster.yaml", with, without)
		killAt(t, c, moment{"write and start", time.Duration(i)*120*ms + 60*ms})
		same(t, fmt.Sprint("changed to and fro, ", i), reference, finished(t, c), spare)
	}
}

// killAt starts kbm up and ends it at a moment with kill -9.
func killAt(t *testing.T, c *harness.Cluster, m moment) {
	t.Helper()
	var kill *time.Timer
	r := c.Watch(t, func(e harness.Event, kbm *os.Process) {
		if kill == nil && e.Step == m.step {
			kill = time.AfterFunc(m.after, func() { _ = kbm.Kill() }) // it may be over: see below
		}
	}, "up")
	if kill != nil {
		kill.Stop()
	}
	if r.Code >= 0 {
		t.Errorf("kbm up ended by itself before %q and %s: %s", m.step, m.after, r.All())
	}
}

// finished lets kbm up run to its end, checks that nothing is left to do or
// lying about, and describes the cluster that came of it.
func finished(t *testing.T, c *harness.Cluster) string {
	t.Helper()
	c.Up(t)
	if r := c.Kbm(t, "diff"); r.Code != 0 {
		t.Errorf("kbm diff after kbm up: %s", r.All())
	}
	var all strings.Builder
	for _, node := range c.Nodes {
		left := c.On(t, node.Name, "find / -xdev -name .kbm-new 2>/dev/null; find /var/lib/kbm/incoming /var/lib/kbm/restart -type f 2>/dev/null || true")
		if left != "" {
			t.Errorf("%s has something left of an interrupted run:\n%s", node.Name, left)
		}
		// Certificates are made anew with each change of a name, and manifests
		// carry a sum of them: their content is kbm diff's to judge, and so is
		// that of the programs.
		fmt.Fprintf(&all, "%s\n%s\n", node.Name, c.On(t, node.Name, `
find /etc/kubernetes /etc/containerd /etc/etcd /etc/ssh /etc/systemd/system /opt /var/lib/kbm/images -printf '%p %y %m %u %l\n' | sort
find /etc/kubernetes /etc/containerd /etc/etcd -type f ! -name '*.crt' ! -name '*.key' ! -path '*/manifests/*' -exec sha256sum {} + | sort -k 2`))
	}
	fmt.Fprintln(&all, c.Kubectl(t, "get", "nodes,daemonsets,deployments,configmaps,serviceaccounts,services,roles,rolebindings", "-A", "-o", "name"))
	fmt.Fprintln(&all, c.Kubectl(t, "get", "clusterroles,clusterrolebindings", "-l", "app.kubernetes.io/managed-by=kbm", "-o", "name"))
	left, err := filepath.Glob(filepath.Join(c.Dir, "*", ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the cluster's folder has something left: %v %v", left, err)
	}
	return all.String()
}

// same allows for spare files: all that is in a stock, whether needed or not.
func same(t *testing.T, what, reference, got string, spare map[string]bool) {
	t.Helper()
	if got == reference {
		return
	}
	was, is := strings.Split(reference, "\n"), strings.Split(got, "\n")
	for _, line := range was {
		if !slices.Contains(is, line) {
			t.Errorf("%s: lacks %s", what, line)
		}
	}
	for _, line := range is {
		path, _, _ := strings.Cut(line, " ")
		if !slices.Contains(was, line) && !spare[path] {
			t.Errorf("%s: has %s", what, line)
		}
	}
}
