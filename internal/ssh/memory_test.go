package ssh_test

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/kbm-dev/kbm/internal/remote"
	"github.com/kbm-dev/kbm/internal/ssh"
	"github.com/kbm-dev/kbm/internal/ssh/sshtest"
)

// A lock is a session that stays open and says nothing, on each of hundreds of
// machines: once they took 300 KiB each. Both ends are in this process, and in
// the figure.
func TestIdleSessionsAreSmall(t *testing.T) {
	const machines, limit = 50, 120 << 10
	var names []string
	for i := range machines {
		names = append(names, fmt.Sprintf("n%d", i))
	}
	fleet, err := sshtest.Start(names, func(_, _ string, stdin io.Reader, stdout io.Writer) int {
		_, _ = io.WriteString(stdout, "held\n")
		_, _ = io.Copy(io.Discard, stdin)
		return 0
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fleet.Close() })
	before := heap()
	for _, name := range names {
		client, err := ssh.Connect(t.Context(), fleet.Options(name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		stdin, hold := io.Pipe()
		t.Cleanup(func() { _ = hold.Close() })
		held := make(chan struct{})
		go func() {
			_, _ = client.Run(t.Context(), remote.Command{Script: "cat", Stdin: stdin, Stdout: once(held)})
		}()
		<-held
	}
	if each := (heap() - before) / machines; each > limit {
		t.Errorf("an idle session takes %d KiB, not less than %d", each>>10, limit>>10)
	} else {
		t.Logf("an idle session takes %d KiB at both ends", each>>10)
	}
}

// once is closed by the first output.
type once chan struct{}

func (o once) Write(p []byte) (int, error) {
	close(o)
	return len(p), nil
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
