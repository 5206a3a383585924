package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"syscall"
)

// runProgram runs one program to its end and gives its peak memory in bytes.
func runProgram(ctx context.Context, dir, name string, args ...string) (int64, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s %v: %w\n%s", name, args, err, output.Bytes())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, nil
	}
	return usage.Maxrss << 10, nil // getrusage(2) counts in KiB
}
