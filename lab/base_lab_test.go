//go:build lab

package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mmdebstrap that is killed leaves its mounts behind: after Ctrl-C in a first
// kbm lab up, the next one could not remove the unfinished base system, whose
// /proc was still the computer's own.
func TestKilledBaseLeavesNoMounts(t *testing.T) {
	bin, cache := t.TempDir(), t.TempDir()
	const killed = `#!/bin/sh
for last; do [ "$last" = - ] || root=$last; done
mkdir -p "$root/proc" && mount -t proc proc "$root/proc" && touch "$root/../mounted"
kill -9 $$
`
	if err := os.WriteFile(filepath.Join(bin, "mmdebstrap"), []byte(killed), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	for range 2 {
		_, err := EnsureBase(t.Context(), cache, func(Event) {})
		if err == nil || !strings.Contains(err.Error(), "signal: killed") {
			t.Fatalf("got %v", err)
		}
		if err := os.Remove(filepath.Join(cache, "mounted")); err != nil {
			t.Fatal(err)
		}
		mounts, err := os.ReadFile("/proc/self/mounts")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(mounts), cache) {
			t.Fatalf("mounts are left below %s", cache)
		}
	}
}
