//go:build lab

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// moved is how long an address of the load balancer may be silent when the node
// that announces it loses power.
const moved = 15 * time.Second

// The address of the load balancer is answered by another node when the one
// that announced it is gone, and goes on to be when that is back.
func announcerLosesPower(t *testing.T, x *traffic) {
	b := browse(t, x.Cluster, x.private)
	const page = "https://intranet.example.com/hostname"
	b.wantBody(t, page, "steady")
	lost := announcer(t, x.Cluster, lanAddress)
	off := time.Now()
	x.Must(t, "lab", "down", lost, "--keep-disk")
	var lastSilent time.Time
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for quiet := time.Now(); time.Since(quiet) < 3*time.Second && time.Since(off) < time.Minute; <-ticker.C {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		got, err := b.get(ctx, page)
		cancel()
		if err != nil || got.body != "steady" {
			lastSilent, quiet = time.Now(), time.Now()
		}
	}
	silent := max(0, lastSilent.Sub(off))
	t.Logf("when %s lost power, %s was silent for %s", lost, lanAddress, silent.Round(time.Millisecond))
	if silent > moved {
		t.Errorf("silent for %s, more than %s", silent, moved)
	}
	if now := announcer(t, x.Cluster, lanAddress); now == lost {
		t.Errorf("%s is announced by %s, which is off", lanAddress, now)
	}

	x.LabUp(t, lost)
	x.Up(t) // waits until all is ready
	b.wantBody(t, page, "steady")
	nothingLeftToDo(t, x.Cluster)
}

// announcer is the node whose network card answers for an address.
func announcer(t *testing.T, c *harness.Cluster, address string) string {
	t.Helper()
	cards := map[string]string{}
	c.Eventually(t, 10*time.Second, func() error {
		// Whom nobody has spoken to is not among the neighbours.
		script := "ip neigh flush to " + address + "; for a in " + address
		for _, node := range c.Nodes {
			script += " " + node.Address
		}
		script += `; do curl -s -o /dev/null --max-time 1 "http://$a:81" || true; done; ip -j neigh`
		var neighbours []struct{ Dst, Lladdr string }
		if err := json.Unmarshal([]byte(c.Exec(t, "sh", "-c", script).Stdout), &neighbours); err != nil {
			return err
		}
		for _, n := range neighbours {
			cards[n.Dst] = n.Lladdr
		}
		if cards[address] == "" {
			return fmt.Errorf("nobody answers for %s: %v", address, cards)
		}
		return nil
	})
	for _, node := range c.Nodes {
		if cards[node.Address] == cards[address] {
			return node.Name
		}
	}
	t.Fatalf("no node has the card %s of %s: %v", cards[address], address, cards)
	return ""
}
