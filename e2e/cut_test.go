//go:build lab

package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

const pushing = "push artefacts"

// slowCable makes the way to a machine so slow that its artefacts are on it for
// seconds, however quick the computer is: until mended, or the machine is off.
func slowCable(t *testing.T, c *harness.Cluster, node string) (mend func()) {
	t.Helper()
	limit := func(verb string, rate ...string) {
		t.Helper()
		c.Must(t, append([]string{"lab", "exec", "--", "tc", "qdisc", verb, "dev", node, "root"}, rate...)...)
	}
	limit("replace", "tbf", "rate", "400mbit", "burst", "1mb", "latency", "50ms")
	return func() { limit("del") }
}

// diskFillsUp lets a disk fill up that seemed to have room enough.
func diskFillsUp(t *testing.T, c *harness.Cluster) {
	before := made(t, c, "w1")
	c.On(t, "w1", "mkdir -p /var/lib/kbm/incoming; mount -t tmpfs -o size=20m tmpfs /var/lib/kbm/incoming")
	r := c.Kbm(t, "up")
	c.On(t, "w1", "umount /var/lib/kbm/incoming")
	fault{code: failed, says: []string{"w1", "no space left", "/var/lib/kbm", "make room", "nothing was changed"}}.judge(t, "up", r)
	c.On(t, "w1", "rm -r /var/lib/kbm")
	if after := made(t, c, "w1"); after != before {
		t.Errorf("w1 was touched:\nbefore: %s\nafter: %s", before, after)
	}
}

// powerCut switches a machine off that is receiving its artefacts. The next run
// sends what is missing, and does not begin again.
func powerCut(t *testing.T, c *harness.Cluster) {
	slowCable(t, c, "w1")
	// What one run has sent, the other need not: kbm up is still to come.
	var all, sent int64
	r := c.Watch(t, func(e harness.Event, _ *os.Process) {
		if e.Subject != "w1" || e.Step != pushing || sent > 0 {
			return
		}
		if all = e.Total; e.Done > all/10 {
			sent = e.Done
			c.Must(t, "lab", "down", "w1", "--keep-disk")
		}
	}, "push")
	fault{code: unreachable, says: []string{"w1", "the connection broke", "run again"}}.judge(t, "push", r)
	if !strings.Contains(r.Stdout, `"state":"failed","detail":"send `) {
		t.Errorf("no event tells of the failure: %s", r.All())
	}
	c.LabUp(t)
	defer slowCable(t, c, "w1")()
	var rest int64
	r = c.Watch(t, func(e harness.Event, kbm *os.Process) {
		if e.Subject == "w1" && e.Step == pushing && rest == 0 {
			rest = e.Total
			_ = kbm.Signal(os.Interrupt)
		}
	}, "push")
	if sent == 0 || rest > all-sent/2 {
		t.Errorf("%d of %d bytes were sent, and %d were still missing: %s", sent, all, rest, r.All())
	}
}

// interrupted ends kbm up as people and init systems do.
func interrupted(t *testing.T, c *harness.Cluster) {
	c.On(t, "w1", "rm -rf /var/lib/kbm/incoming") // so that there is something to push
	defer slowCable(t, c, "w1")()
	for signal, step := range map[os.Signal]string{os.Interrupt: "connect", syscall.SIGTERM: pushing} {
		said := false
		r := c.Watch(t, func(e harness.Event, kbm *os.Process) {
			if e.Step == step && !said {
				said = true
				if err := kbm.Signal(signal); err != nil {
					t.Error(err)
				}
			}
		}, "up")
		fault{code: signalled, says: []string{"kbm: interrupted: run it again"}}.judge(t, "up", r)
		if strings.Count(r.Stderr, "\n") != 1 {
			t.Errorf("%s: %s", signal, r.All())
		}
	}
}

// unitCannotStart has a person's own file keep containerd from starting. With
// the file away, kbm up finishes its work.
func unitCannotStart(t *testing.T, c *harness.Cluster) {
	const bad = "/etc/containerd/conf.d/bad.toml"
	// The pushes before may have started it: one that runs does not read the file.
	c.On(t, "w1", "systemctl stop kubelet kbm-images containerd 2>/dev/null || true; mkdir -p /etc/containerd/conf.d; echo 'this is = [no TOML' >"+bad)
	r := c.Kbm(t, "up")
	fault{code: failed, says: []string{"w1: containerd.service does not start", "journal", bad}}.judge(t, "up", r)
	// systemd keeps trying: for moments the unit is on its way up, like one that works.
	c.Eventually(t, 30*time.Second, func() error {
		if r := c.Kbm(t, "status"); r.Code != 1 || !strings.Contains(r.Stdout, "w1: down: containerd.service") {
			return fmt.Errorf("kbm status: %s", r.All())
		}
		return nil
	})
	c.On(t, "w1", "rm "+bad)
	c.Up(t)
	if r := c.Kbm(t, "diff"); r.Code != 0 {
		t.Errorf("kbm diff after kbm up: %s", r.All())
	}
	if r := c.Kbm(t, "status"); r.Code != 0 {
		t.Errorf("kbm status after kbm up: %s", r.All())
	}
}
