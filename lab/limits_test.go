package lab

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The computer gets its limits back with the end of the last lab.
func TestLimitsAreRaisedAndRestored(t *testing.T) {
	const instances, watches = "fs/inotify/max_user_instances", "fs/inotify/max_user_watches"
	sys, state := t.TempDir(), t.TempDir()
	set := func(name string, value int) {
		t.Helper()
		path := filepath.Join(sys, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strconv.Itoa(value)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(name string, value int) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(sys, name))
		if err != nil || strings.TrimSpace(string(got)) != strconv.Itoa(value) {
			t.Errorf("%s is %q, want %d (%v)", name, got, value, err)
		}
	}
	set(instances, 128)
	set(watches, 9999999)
	for range 2 { // a second lab must not take the raised value for the original
		if err := raiseLimits(t.Context(), sys, state); err != nil {
			t.Fatal(err)
		}
		want(instances, 8192)
		want(watches, 9999999)
	}
	if err := restoreLimits(t.Context(), sys, state); err != nil {
		t.Fatal(err)
	}
	want(instances, 128)
	want(watches, 9999999)

	if err := raiseLimits(t.Context(), sys, state); err != nil {
		t.Fatal(err)
	}
	set(instances, 4711)
	if err := restoreLimits(t.Context(), sys, state); err != nil {
		t.Fatal(err)
	}
	want(instances, 4711)
	if left, _ := os.ReadDir(state); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
