//go:build lab

package e2e

import (
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// TestCluster runs everything that can share one cluster of three machines. Its
// parts run in this order, and each leaves the cluster as kbm up would make it.
// One of them alone: go test -tags lab ./e2e -run TestCluster/dns.
func TestCluster(t *testing.T) {
	c := harness.New(t, nil,
		harness.Node{Name: "cp1", Role: "controller"},
		harness.Node{Name: "w1", Role: "worker", Args: []string{"--label", "example.com/disk=ssd", "--taint", "example.com/video=yes:PreferNoSchedule"}},
		harness.Node{Name: "ed1", Role: "edge"},
	)
	c.LabUp(t)
	out := c.Up(t)
	if !strings.Contains(out, "cp1") {
		t.Errorf("kbm up: %s", out)
	}
}
