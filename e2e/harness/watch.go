package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// Event is a line of kbm's -o json.
type Event struct {
	Subject, Step, State, Detail string
	Done, Total                  int64 // bytes
}

// Watch runs kbm with -o json to its end and shows its events as they come to
// see, which may send the process a signal. The exit code is -1 where a signal
// ended it.
func (c *Cluster) Watch(t *testing.T, see func(Event, *os.Process), args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, commandDeadline)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := c.Command(ctx, append(args, "-o", "json")...)
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		stdout.WriteString(lines.Text() + "\n")
		var event Event
		if json.Unmarshal(lines.Bytes(), &event) == nil {
			see(event, cmd.Process)
		}
	}
	_ = cmd.Wait() // the exit code tells
	r := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode(), Took: time.Since(start)}
	if ctx.Err() != nil {
		t.Fatalf("kbm %s: ended by the test: %v\n%s", strings.Join(args, " "), context.Cause(ctx), r.All())
	}
	return r
}
