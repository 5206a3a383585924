// Package program runs the programs that are measured, each in a process of
// its own, so that what it costs can be told apart from what the benchmark
// itself does.
package program

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
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
	if err := cmd.Start(); err != nil {
		return u, fmt.Errorf("%s: %w", cmd, err)
	}
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watch(cmd.Process.Pid, ended) }()
	err = cmd.Wait()
	u.Wall = time.Since(start)
	close(ended)
	u.Peak = <-peak
	if u.Said = said.String(); err != nil {
		return u, fmt.Errorf("%s: %w\n%s", cmd, err, u.Said)
	}
	u.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return u, nil
}

// often is how often the memory of a program is looked at.
const often = 5 * time.Millisecond

// watch returns the peak memory of a process, as far as it was seen. What
// getrusage(2) tells afterwards is no help: a child begins with the peak of its
// parent, and this process may be the larger one.
func watch(pid int, ended <-chan struct{}) (peak int64) {
	ticker := time.NewTicker(often)
	defer ticker.Stop()
	for {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			peak = max(peak, highWater(string(text)))
		}
		select {
		case <-ended:
			return peak
		case <-ticker.C:
		}
	}
}

// highWater reads VmHWM, see proc_pid_status(5), in bytes.
func highWater(status string) int64 {
	_, rest, _ := strings.Cut(status, "\nVmHWM:")
	var kib int64
	if _, err := fmt.Sscanf(rest, "%d kB", &kib); err != nil {
		return 0 // it has just ended
	}
	return kib << 10
}

// In runs a program in a folder.
func In(ctx context.Context, dir, name string, args ...string) (Usage, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return Run(cmd)
}
