// Package program runs the programs that are measured, each in a process of
// its own, so that what it costs can be told apart from what the benchmark
// itself does.
package program

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Usage is what one run cost.
type Usage struct {
	Wall time.Duration
	CPU  time.Duration // of all its threads
	Peak int64         // resident memory, in bytes
	Said string        // on stdout and stderr
}

// Run runs a program to its end. Whatever it said is in the error if it fails.
func Run(cmd *exec.Cmd) (u Usage, err error) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	start := time.Now()
	err = cmd.Run()
	u.Wall = time.Since(start)
	if u.Said = said.String(); err != nil {
		return u, fmt.Errorf("%s: %w\n%s", cmd, err, u.Said)
	}
	u.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.Peak = usage.Maxrss << 10 // getrusage(2) counts in KiB
	}
	return u, nil
}

// In runs a program in a folder.
func In(ctx context.Context, dir, name string, args ...string) (Usage, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return Run(cmd)
}
