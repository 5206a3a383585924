package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// commandDeadline is more than any command of a test takes on a busy machine.
const commandDeadline = 4 * time.Minute

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Code           int
	Took           time.Duration
}

// All is both outputs, for messages.
func (r Result) All() string {
	return fmt.Sprintf("exit code %d after %s\n--- stdout\n%s--- stderr\n%s", r.Code, r.Took.Round(time.Millisecond), r.Stdout, r.Stderr)
}

// Program is the path of kbm.
func (c *Cluster) Program() string { return c.kbm }

// Command prepares kbm with the cluster's folder; cancelling ctx kills it -9.
func (c *Cluster) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.kbm, append([]string{"--dir", c.Dir}, args...)...)
	cmd.Env = append(os.Environ(), c.Env...)
	// A child that kept the pipes open must not hold the test.
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Kbm runs kbm to its end, whatever that is.
func (c *Cluster) Kbm(t *testing.T, args ...string) Result {
	t.Helper()
	return c.run(t, "", args...)
}

func (c *Cluster) run(t *testing.T, stdin string, args ...string) Result {
	t.Helper()
	if args[0] == "lab" && (args[1] == "up" || args[1] == "down") {
		c.leave()
	}
	ctx, cancel := context.WithTimeout(c.ctx, commandDeadline)
	defer cancel()
	r, err := c.finish(ctx, stdin, args...)
	if err != nil {
		t.Fatalf("kbm %s: %v\n%s", strings.Join(args, " "), err, r.All())
	}
	return r
}

// finish returns an error only for a command that did not come to its own end.
func (c *Cluster) finish(ctx context.Context, stdin string, args ...string) (Result, error) {
	var stdout, stderr bytes.Buffer
	cmd := c.Command(ctx, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	r := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode(), Took: time.Since(start)}
	var exit *exec.ExitError
	if errors.As(err, &exit) && r.Code >= 0 {
		err = nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("ended by the test: %w", context.Cause(ctx))
	}
	return r, err
}

// Must runs kbm, which has to succeed, and returns its standard output.
func (c *Cluster) Must(t *testing.T, args ...string) string {
	t.Helper()
	return c.must(t, "", args...)
}

func (c *Cluster) must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := c.run(t, stdin, args...)
	if r.Code != 0 {
		t.Fatalf("kbm %s: %s", strings.Join(args, " "), r.All())
	}
	return r.Stdout
}

// Exec runs a command in the lab's network, outside the machines.
func (c *Cluster) Exec(t *testing.T, args ...string) Result {
	t.Helper()
	return c.Kbm(t, append([]string{"lab", "exec", "--"}, args...)...)
}

// Kubectl runs kubectl, which has to succeed, and returns its standard output
// without space at the ends.
func (c *Cluster) Kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(c.Must(t, append([]string{"lab", "exec", "--", "kubectl"}, args...)...))
}

// Apply gives a manifest to kubectl apply.
func (c *Cluster) Apply(t *testing.T, manifest string) {
	t.Helper()
	c.must(t, manifest, "lab", "exec", "--", "kubectl", "apply", "-f", "-")
}
