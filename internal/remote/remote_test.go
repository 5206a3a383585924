package remote

import (
	"os/exec"
	"strings"
	"testing"
)

func TestRunErrorShowsTheEndOfStderr(t *testing.T) {
	e := &RunError{Node: "cp1", Script: "tar -x", ExitCode: 2, Stderr: "1\n2\n3\n4\n5\n6\n"}
	if got := e.Error(); got != "cp1: 2; 3; 4; 5; 6 (code 2)" {
		t.Errorf("got %q", got)
	}
	e.Stderr = ""
	if got := e.Error(); got != `cp1: "tar -x" ended with code 2` {
		t.Errorf("got %q", got)
	}
}

func TestSummarySkipsWhatSaysNothing(t *testing.T) {
	if got := Summary("set -u\n# why\n\n  tar -x\nrm x"); got != "tar -x" {
		t.Errorf("got %q", got)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	tail := NewTail(4)
	for _, s := range []string{"ab", "cdefgh", "i"} {
		if n, err := tail.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("%q: %d, %v", s, n, err)
		}
	}
	if got := string(tail.Bytes()); got != "fghi" {
		t.Errorf("got %q", got)
	}
}

func TestQuoteIsOneWord(t *testing.T) {
	const word = "it's $HOME \"and\" `more`\n\\ * "
	out, err := exec.Command("sh", "-c", "printf %s "+Quote(word)).Output()
	if err != nil || string(out) != word || strings.Count(string(out), "\n") != 1 {
		t.Errorf("got %q, %v", out, err)
	}
}
