package harness

import (
	"testing"
	"time"
)

// Eventually asks until the answer is no error; the last error fails the test.
func (c *Cluster) Eventually(t *testing.T, within time.Duration, ask func() error) {
	t.Helper()
	deadline := time.After(within)
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-deadline:
			t.Fatalf("not within %s: %v", within, err)
		case <-c.ctx.Done():
			t.Fatalf("%v; last: %v", c.ctx.Err(), err)
		}
	}
}
