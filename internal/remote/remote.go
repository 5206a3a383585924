// Package remote is the vocabulary between those who want a script run on a
// machine (provision) and those who run it (ssh, tests): neither has to import
// the other.
package remote

import (
	"fmt"
	"io"
	"strings"
)

// Command is a script for /bin/sh.
type Command struct {
	// Script is visible in the machine's process list: secrets go through Stdin.
	Script string
	Stdin  io.Reader
	// Stdout receives the output as it comes; nil keeps it in the Result.
	Stdout io.Writer
}

// Result is what a command printed.
type Result struct {
	Stdout []byte
	Stderr []byte
}

// RunError is a script that ended with another code than 0.
type RunError struct {
	Node string
	// Script is its first line that says something.
	Script   string
	ExitCode int // 128 + the signal's number if a signal ended it
	// Stderr is the end of what it complained, at most StderrLimit bytes.
	Stderr string
}

// StderrLimit is how many bytes of stderr an error keeps.
const StderrLimit = 16 << 10

// shownLines is how much of stderr a message shows.
const shownLines = 5

func (e *RunError) Error() string {
	lines := strings.Split(strings.TrimSpace(e.Stderr), "\n")
	if lines[0] == "" {
		return fmt.Sprintf("%s: %q ended with code %d", e.Node, e.Script, e.ExitCode)
	}
	if over := len(lines) - shownLines; over > 0 {
		lines = lines[over:]
	}
	return fmt.Sprintf("%s: %s (code %d)", e.Node, strings.Join(lines, "; "), e.ExitCode)
}

// Summary is the first line of a script that is neither empty, a comment nor a
// setting, shortened for a message.
func Summary(script string) string {
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "set ") || strings.HasPrefix(line, "export ") {
			continue
		}
		if len(line) > 60 {
			line = line[:60] + "…"
		}
		return line
	}
	return "sh"
}

// Tail keeps the last limit bytes written to it.
type Tail struct {
	limit int
	buf   []byte
}

// NewTail returns a Tail of limit bytes.
func NewTail(limit int) *Tail { return &Tail{limit: limit} }

func (t *Tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > t.limit {
		p = p[n-t.limit:]
	}
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.limit; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return n, nil
}

// Bytes returns what is kept.
func (t *Tail) Bytes() []byte { return t.buf }

// Quote makes one shell word of s.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
