//go:build lab

package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

const (
	vip = "10.90.0.10"
	// failover is how long the API may be silent when the machine that holds its
	// address loses power. The lease of the address ends after five seconds, and
	// etcd may have lost its leader, too.
	failover = 15 * time.Second
	// dropped is how many requests may fail while kbm itself restarts every API
	// server, one after the other: the address moves once.
	dropped = 2
)

// testHA is a cluster of three controllers behind a virtual address: born in
// spite of kills, it loses the machine that holds the address, is changed all
// over while somebody uses it, and takes a controller in again that has lost
// its disk.
func testHA(t *testing.T) {
	c := harness.New(t, []string{"--vip", vip},
		harness.Node{Name: "cp1", Role: "controller", Args: []string{"--interface", "lan0"}},
		harness.Node{Name: "cp2", Role: "controller", Args: []string{"--mac", "52:54:00:e2:e0:12"}},
		harness.Node{Name: "cp3", Role: "controller"},
		harness.Node{Name: "w1", Role: "worker"},
	)
	c.LabUpStocked(t)
	for _, after := range []time.Duration{800 * time.Millisecond, 2500 * time.Millisecond} {
		killAt(t, c, moment{"write and start", after})
		for _, node := range controllers(c) {
			t.Logf("killed %s after the first write: etcd of %s: %s", after, node,
				c.On(t, node, "ls -d /var/lib/etcd/member/wal /var/lib/kbm/etcd-formed 2>/dev/null | xargs; systemctl is-active etcd || true"))
		}
	}
	c.Up(t)
	nothingLeftToDo(t, c)
	wantMembers(t, c, 3)

	t.Run("the holder of the address loses power", func(t *testing.T) { holderLosesPower(t, c) })
	t.Run("a change of all controllers", func(t *testing.T) { changeOfAll(t, c) })
	t.Run("a disk is lost", func(t *testing.T) { diskIsLost(t, c) })
	t.Run("kube-vip does what it may", func(t *testing.T) { vipIsAllowed(t, c) })
}

func controllers(c *harness.Cluster) (names []string) {
	for _, node := range c.Nodes {
		if node.Role == "controller" {
			names = append(names, node.Name)
		}
	}
	return names
}

// wantMembers asks every controller's etcd who is in it.
func wantMembers(t *testing.T, c *harness.Cluster, want int) {
	t.Helper()
	for _, node := range controllers(c) {
		list := c.On(t, node, "/opt/bin/kbm-etcdctl endpoint health >/dev/null 2>&1; /opt/bin/kbm-etcdctl member list")
		if voters := strings.Count(list, ", started, ") - strings.Count(list, ", true"); voters != want || strings.Count(list, "\n")+1 != want {
			t.Errorf("etcd of %s has %d voters, want %d and nothing else:\n%s", node, voters, want, list)
		}
	}
}

// holder is the controller that has the virtual address.
func holder(t *testing.T, c *harness.Cluster) string {
	t.Helper()
	var found []string
	for _, node := range controllers(c) {
		if r := c.Kbm(t, "ssh", node, "--", "ip", "-o", "address", "show", "to", vip); r.Code == 0 && r.Stdout != "" {
			found = append(found, node)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the virtual address is on %v, want one controller", found)
	}
	return found[0]
}

func holderLosesPower(t *testing.T, c *harness.Cluster) {
	lost := holder(t, c)
	w := watchAPI(t, c)
	c.Must(t, "lab", "down", lost, "--keep-disk")
	off := time.Now()
	c.Eventually(t, time.Minute, func() error { return w.answersSince(off) })
	w.stop()
	silent := w.silence()
	t.Logf("when %s lost power, the API was silent for %s", lost, silent)
	if silent > failover {
		t.Errorf("that is more than %s", failover)
	}
	up := c.Kbm(t, "up")
	if up.Code != 4 || !strings.Contains(up.Stderr, lost) || up.Stdout != "" {
		t.Errorf("kbm up without %s, want exit code 4 and its name: %s", lost, up.All())
	}
	// A kubelet must be heard of within 50 seconds, and says something every ten.
	c.Eventually(t, 50*time.Second, func() error {
		text := c.Kubectl(t, "-n", "kube-node-lease", "get", "lease", "w1", "-o", "jsonpath={.spec.renewTime}")
		renewed, err := time.Parse(time.RFC3339, text)
		if err == nil && renewed.Before(off.Add(silent)) {
			err = fmt.Errorf("the kubelet of w1 was last heard of at %s, and %s lost power at %s", renewed, lost, off)
		}
		return err
	})
	if !nodes(t, c)["w1"].ready {
		t.Errorf("w1 is not Ready after %s lost power", lost)
	}

	c.LabUp(t, lost)
	c.Eventually(t, settle, func() error {
		r := c.Exec(t, "curl", "-sS", "-m", "5", "--cacert", filepath.Join(c.Dir, "pki/ca.crt"), "https://"+c.Address(t, lost)+":6443/readyz")
		if r.Stdout != "ok" {
			return fmt.Errorf("API server of %s after the power is back: %s", lost, r.All())
		}
		return nil
	})
	if up := c.Kbm(t, "up"); up.Code != 0 || !strings.HasPrefix(up.Stdout, "Nothing to do: 4 nodes") {
		t.Errorf("kbm up after the power is back: %s", up.All())
	}
	wantMembers(t, c, 3)
	holder(t, c)
}

func changeOfAll(t *testing.T, c *harness.Cluster) {
	before := running(t, c)
	c.Edit(t, "cluster.yaml", "# audit: true", "audit: false")
	w := watchAPI(t, c)
	c.Up(t)
	w.stop()
	failed, all := w.failed(), len(w.answers)
	if len(failed) > dropped {
		t.Errorf("while all API servers were restarted, %d of %d requests failed, more than %d:\n%s", len(failed), all, dropped, strings.Join(failed, "\n"))
	}
	t.Logf("%d of %d requests failed", len(failed), all)
	after := running(t, c)
	changed := changedKeys(before, after)
	for _, node := range controllers(c) {
		if !changed[node+" kube-apiserver"] {
			t.Errorf("the API server of %s was not restarted", node)
		}
	}
	wantSameUnits(t, before, after)
	nothingLeftToDo(t, c)
}

// wantSameUnits leaves the control plane aside: who leads may lose its lease
// when an API server is gone for a moment, and then starts anew.
func wantSameUnits(t *testing.T, before, after map[string]string) {
	t.Helper()
	for key := range after {
		if strings.Contains(key, " kube-") {
			after[key] = before[key]
		}
	}
	wantChanged(t, "units", before, after)
}

// cure is the command that kbm tells a person to run.
var cure = regexp.MustCompile(`kbm ssh (\S+) -- (\S+ member remove [0-9a-f]+)`)

func diskIsLost(t *testing.T, c *harness.Cluster) {
	c.On(t, "cp2", "systemctl stop etcd && rm -rf /var/lib/etcd/member")
	before := running(t, c)
	up := c.Kbm(t, "up")
	found := cure.FindStringSubmatch(up.Stderr)
	if up.Code != 1 || found == nil || !strings.Contains(up.Stderr, "cp2: its etcd data is gone") {
		t.Fatalf("kbm up with the data of cp2 gone: %s", up.All())
	}
	wantSameUnits(t, before, running(t, c))
	c.On(t, found[1], found[2])

	for _, step := range []string{"join etcd", "write and start"} {
		killAt(t, c, moment{step, 100 * time.Millisecond})
	}
	c.Up(t)
	wantMembers(t, c, 3)
	nothingLeftToDo(t, c)
	if left := c.On(t, "cp2", "ls /var/lib/kbm/etcd-join.env 2>/dev/null || true"); left != "" {
		t.Errorf("%s is left", left)
	}
}

// kube-vip wants nothing but its lease, and nothing is missing in its read-only
// root. An API server that has just started knows no roles yet, and refuses even
// the lease for a moment.
func vipIsAllowed(t *testing.T, c *harness.Cluster) {
	for i, node := range controllers(c) {
		// Named, chosen by its MAC address, and the only one.
		want := "interface: " + []string{"lan0", "eth0", "eth0"}[i]
		if got := c.On(t, node, "cat /run/kbm-vip/config.yaml"); got != want {
			t.Errorf("kube-vip of %s was told %q, want %q", node, got, want)
		}
		log := c.On(t, node, `cat /var/log/pods/kube-system_kube-vip-*/kube-vip/*.log | grep -iE 'forbidden|read-only|permission denied' | grep -v 'cannot get resource .*leases' || true`)
		if log != "" {
			t.Errorf("kube-vip of %s:\n%s", node, log)
		}
		if open := c.On(t, node, "ss -Hltn sport = 2112 | grep -v 127.0.0.1 || true"); open != "" {
			t.Errorf("the metrics of kube-vip on %s are open to all: %s", node, open)
		}
	}
}
