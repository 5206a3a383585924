//go:build lab

package e2e

import (
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// fault is something wrong with the world, and what kbm up has to say to it.
type fault struct {
	name string
	// broken brings it about; its result mends it again.
	broken func(t *testing.T, c *harness.Cluster) (mend func())
	code   int
	says   []string // everything that the message must hold
	// upOnly leaves diff and status out, to save the time of their waits.
	upOnly bool
}

// testFaults breaks the world in one way after the other around two bare
// machines. Each time kbm up has to name the node and the cure, and must leave
// both machines as they were. Then it is cut in the middle of its work, and in
// the end the same machines become a cluster.
func testFaults(t *testing.T) {
	c := harness.New(t, nil,
		harness.Node{Name: "cp1", Role: "controller"},
		harness.Node{Name: "w1", Role: "worker"},
	)
	c.LabUp(t)
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			before := made(t, c, "cp1")
			mend := f.broken(t, c)
			f.judge(t, "up", c.Kbm(t, "up"))
			if !f.upOnly {
				f.look(t, c)
			}
			mend()
			if after := made(t, c, "cp1"); after != before {
				t.Errorf("cp1 was touched:\nbefore: %s\nafter: %s", before, after)
			}
		})
	}
	t.Run("a disk that fills up on the way", func(t *testing.T) { diskFillsUp(t, c) })
	t.Run("power cut on the way", func(t *testing.T) { powerCut(t, c) })
	t.Run("interrupted", func(t *testing.T) { interrupted(t, c) })
	t.Run("a unit that cannot start", func(t *testing.T) { unitCannotStart(t, c) })
}

// Exit codes of kbm, as documented.
const (
	failed      = 1
	unreachable = 4
	locked      = 5
	signalled   = 130
)

// look tells the same as up, without a lock; a status is not ended by a machine
// that cannot be reached, but shows it.
func (f fault) look(t *testing.T, c *harness.Cluster) {
	t.Helper()
	if f.code != locked {
		f.judge(t, "diff", c.Kbm(t, "diff"))
	}
	if f.code != unreachable {
		return
	}
	if r := c.Kbm(t, "status"); r.Code != failed || !strings.Contains(r.Stdout, f.says[0]+" (") {
		t.Errorf("kbm status: %s", r.All())
	}
}

// judge reads a message as a person would.
func (f fault) judge(t *testing.T, command string, r harness.Result) {
	t.Helper()
	t.Logf("kbm %s: %s", command, r.Stderr)
	if r.Code != f.code {
		t.Errorf("kbm %s ends with %d, want %d: %s", command, r.Code, f.code, r.All())
	}
	for _, text := range f.says {
		if !strings.Contains(r.Stderr, text) {
			t.Errorf("the message of kbm %s lacks %q: %s", command, text, r.All())
		}
	}
	if strings.Count(r.Stderr, "kbm: ") != 1 {
		t.Errorf("kbm %s has not one message: %s", command, r.All())
	}
	if strings.Contains(r.All(), "PRIVATE KEY") {
		t.Errorf("the message of kbm %s holds a key", command)
	}
}

// made lists what kbm up makes on a machine. Artefacts that wait for the next
// run are not in place yet.
func made(t *testing.T, c *harness.Cluster, node string) string {
	t.Helper()
	return c.On(t, node, "find /etc/kubernetes /etc/containerd /etc/etcd /etc/systemd/system /opt/bin /opt/cni /var/lib/etcd /var/lib/kbm"+
		" -mindepth 1 -path /var/lib/kbm/incoming -prune -o -print 2>/dev/null | sort || true")
}
