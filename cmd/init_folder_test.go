package cmd

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// entries lists the names in a folder.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	names := []string{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// A fault while keys are made, such as a full disk, leaves the folder as it was.
func TestInitLeavesNothingHalfDone(t *testing.T) {
	c := &cluster.Cluster{APIVersion: cluster.APIVersion, Kind: "Cluster", Name: "home", Endpoint: cluster.Endpoint{Host: "api.example.com"}}
	full := errors.New("no space left on device")
	fail := func(staged *cluster.Cluster) error {
		return errors.Join(full, os.WriteFile(filepath.Join(staged.Dir, "half"), nil, 0o600))
	}

	root := t.TempDir()
	a := &app{dir: filepath.Join(root, "a", "new"), out: io.Discard, err: io.Discard}
	if _, err := a.makeFolder(c, fail); !errors.Is(err, full) {
		t.Fatalf("got %v", err)
	}
	if left := entries(t, root); len(left) > 0 {
		t.Errorf("a new folder was left: %q", left)
	}

	writeFiles(t, root, map[string]string{".gitignore": "mine\n", "README": "hello"})
	a.dir = root
	if _, err := a.makeFolder(c, fail); !errors.Is(err, full) {
		t.Fatalf("got %v", err)
	}
	// The last step of all: something took the place of cluster.yaml meanwhile.
	late := func(*cluster.Cluster) error { return os.MkdirAll(filepath.Join(root, cluster.File, "x"), 0o755) }
	if _, err := a.makeFolder(c, late); err == nil {
		t.Fatal("a folder was replaced")
	}
	if left := entries(t, root); !slices.Equal(left, []string{".gitignore", "README", cluster.File}) {
		t.Errorf("the folder holds %q", left)
	}
	if text, err := os.ReadFile(filepath.Join(root, ".gitignore")); err != nil || string(text) != "mine\n" {
		t.Errorf(".gitignore holds %q, %v", text, err)
	}
}

// What a killed init left must not be in the way of the next one.
func TestInitAfterAKill(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{staging + "/pki/ca.key": "half"})
	if code, out := kbmIn(dir, "init", "--name", "home", "--endpoint", "api.example.com", "--ssh-key="); code != exitOK {
		t.Fatal(out)
	}
	if slices.Contains(entries(t, dir), staging) {
		t.Error("the half folder is still there")
	}
}

// The place of a medium is taken: neither the spec, nor keys, nor other media
// of the same run are left.
func TestAddNodeLeavesNothingHalfDone(t *testing.T) {
	dir := t.TempDir()
	if code, out := kbmIn(dir, "init", "--name", "home", "--endpoint", "api.example.com", "--ssh-key="); code != exitOK {
		t.Fatal(out)
	}
	writeFiles(t, dir, map[string]string{"build/w2": "a file", "two.yaml": `apiVersion: kbm/v1alpha1
kind: Node
name: w1
role: worker
address: 192.168.1.1
---
apiVersion: kbm/v1alpha1
kind: Node
name: w2
role: worker
address: 192.168.1.2
`})
	before := entries(t, filepath.Join(dir, "pki"))
	if code, out := kbmIn(dir, "add-node", "--from", filepath.Join(dir, "two.yaml")); code != exitFailed || !strings.Contains(out, "w2") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if left := entries(t, filepath.Join(dir, "nodes")); len(left) > 0 {
		t.Errorf("nodes/ holds %q", left)
	}
	if left := entries(t, filepath.Join(dir, "build")); !slices.Equal(left, []string{"w2"}) {
		t.Errorf("build/ holds %q", left)
	}
	if after := entries(t, filepath.Join(dir, "pki")); !slices.Equal(before, after) {
		t.Errorf("pki/ holds %q, before %q", after, before)
	}
}
