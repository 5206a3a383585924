//go:build lab

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	// spare is the share of the processor's time that has to be left over before
	// another cluster is begun; such a one takes about as much.
	spare = 0.25
	// watched is for how long it has to be left over.
	watched = 20 * time.Second
)

// awaitIdle returns true when the processor has had time left for a while, and
// false when that is not wanted any more.
func awaitIdle(t *testing.T, over func() bool) bool {
	t.Helper()
	since, err := readTicks()
	for err == nil && !over() {
		time.Sleep(watched)
		var now ticks
		now, err = readTicks()
		if err == nil && float64(now.idle-since.idle) >= spare*float64(now.all-since.all) {
			return true
		}
		since = now
	}
	if err != nil {
		t.Error(err)
	}
	return false
}

// ticks are units of processor time since this computer started, all
// processors together.
type ticks struct{ idle, all uint64 }

// readTicks reads the first line of proc_stat(5): user, nice, system, idle,
// waiting for disks, and others; what guests take is in the first two.
func readTicks() (sum ticks, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return ticks{}, err
	}
	var kinds [8]uint64
	line, _, _ := strings.Cut(string(text), "\n")
	if _, err := fmt.Sscan(strings.TrimPrefix(line, "cpu"), &kinds[0], &kinds[1], &kinds[2], &kinds[3], &kinds[4], &kinds[5], &kinds[6], &kinds[7]); err != nil {
		return ticks{}, fmt.Errorf("/proc/stat: %w", err)
	}
	for _, kind := range kinds {
		sum.all += kind
	}
	sum.idle = kinds[3] + kinds[4]
	return sum, nil
}
