package bundle

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// tailLines is how much of a failed program's output goes into the error.
const tailLines = 15

// run runs a program with its output in log, and its last lines in the error.
// env is added to this process's environment.
func run(ctx context.Context, log io.Writer, dir string, env []string, name string, args ...string) error {
	_, _ = fmt.Fprintf(log, "$ %s %s\n", name, strings.Join(args, " "))
	var output bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), env...)
	c.Stdout = io.MultiWriter(log, &output)
	c.Stderr = c.Stdout
	// Compilers that go build started may outlive it and hold the output open.
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 3 * time.Second
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w\n%s", name, err, tail(output.String()))
	}
	return nil
}

func tail(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return strings.Join(lines, "\n")
}
