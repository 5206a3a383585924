package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cleanUpTime is kept back from the time that go test gives to a test.
const cleanUpTime = 30 * time.Second

// interruptible ends with Ctrl-C and a little before the test's own deadline:
// go test itself would then end the process without taking the lab down.
func interruptible(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-cleanUpTime))
		t.Cleanup(cancel)
	}
	return ctx
}

// binary is the kbm to test.
func binary(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("KBM"); given != "" {
		path, err := filepath.Abs(given)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	root, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("find the checkout: %v", err)
	}
	dir := strings.TrimSpace(string(root))
	cmd := exec.CommandContext(t.Context(), "make", "--silent", "build")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "bin", "kbm")
}

const folderPrefix = "kbm-e2e-"

// folder makes one for a cluster. Its name tells whose it is, so that the next
// test can take down what a killed one has left.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-*", folderPrefix, os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "e2e")
}

// close takes the lab down and removes the folder.
func (c *Cluster) close(t *testing.T) {
	c.leave()
	if t.Failed() {
		c.describe(t)
		if os.Getenv("KBM_E2E_KEEP") != "" {
			c.keep(t)
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), cleanUpTime)
	defer cancel()
	for _, dir := range append(c.abandoned(), c.Dir) {
		old := Cluster{Dir: dir, kbm: c.kbm}
		if r, err := old.finish(ctx, "", "lab", "down"); err != nil || r.Code != 0 {
			t.Errorf("take the lab of %s down: %v\n%s", dir, err, r.All())
			continue
		}
		if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
			t.Error(err)
		}
	}
}

// keptFile tells other tests to leave a folder alone.
const keptFile = "kept"

func (c *Cluster) keep(t *testing.T) {
	if err := os.WriteFile(filepath.Join(filepath.Dir(c.Dir), keptFile), nil, 0o600); err != nil {
		t.Error(err)
	}
	t.Logf("kept: KBM_E2E_DIR=%[2]s; afterwards: %[1]s --dir %[2]s lab down; rm -r %[3]s", c.kbm, c.Dir, filepath.Dir(c.Dir))
}

// describe shows how a cluster fares, in the log of a test that has failed.
func (c *Cluster) describe(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), cleanUpTime)
	defer cancel()
	for _, args := range [][]string{
		{"status"},
		{"lab", "exec", "--", "kubectl", "get", "pods", "-A", "-o", "wide", "--request-timeout=5s"},
	} {
		if r, err := c.finish(ctx, "", args...); err == nil {
			t.Logf("kbm %s: %s", strings.Join(args, " "), r.All())
		}
	}
}

// abandoned are folders of test processes that are gone.
func (c *Cluster) abandoned() []string {
	var dirs []string
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*", "e2e")) // the pattern is well formed
	for _, dir := range found {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(filepath.Dir(dir)), folderPrefix), "-")
		_, notKept := os.Stat(filepath.Join(filepath.Dir(dir), keptFile))
		if n, err := strconv.Atoi(pid); err == nil && notKept != nil && syscall.Kill(n, 0) == syscall.ESRCH {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
