package harness

import (
	"testing"
	"time"
)

// long is a wait that is worth a line in the log: what is it that takes so long?
const long = 10 * time.Second

// Eventually asks until the answer is no error; the last error fails the test.
// It asks ever less often: to ask costs the processor time that others wait for.
func (c *Cluster) Eventually(t *testing.T, within time.Duration, ask func() error) {
	t.Helper()
	deadline, start := time.After(within), time.Now()
	var last error
	for pause := 100 * time.Millisecond; ; pause = min(pause*3/2, 2*time.Second) {
		err := ask()
		if took := time.Since(start); err == nil && took > long {
			t.Logf("waited for %s; last: %v", took.Round(time.Second), last)
		}
		if err == nil {
			return
		}
		last = err
		select {
		case <-time.After(pause):
		case <-deadline:
			t.Fatalf("not within %s: %v", within, err)
		case <-c.ctx.Done():
			t.Fatalf("%v; last: %v", c.ctx.Err(), err)
		}
	}
}
