//go:build lab

package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// apiWatch asks the API at its virtual address several times a second, from
// outside of the machines.
type apiWatch struct {
	stop func()

	mu      sync.Mutex
	answers []answer
}

type answer struct {
	at   time.Time // when it came, or was given up
	said string    // ok, or what went wrong
}

func watchAPI(t *testing.T, c *harness.Cluster) *apiWatch {
	t.Helper()
	const script = `while sleep 0.2; do curl -sS -m 2 --cacert "$0" "https://$1:6443/livez" 2>&1; echo; done`
	ctx, cancel := context.WithCancel(context.Background())
	cmd := c.Command(ctx, "lab", "exec", "--", "sh", "-c", script, filepath.Join(c.Dir, "pki/ca.crt"), vip)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &apiWatch{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() != "" {
				w.note(lines.Text())
			}
		}
	}()
	w.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		_ = cmd.Wait() // it was killed
	})
	t.Cleanup(w.stop)
	c.Eventually(t, 30*time.Second, func() error { return w.answersSince(time.Time{}) })
	return w
}

func (w *apiWatch) note(said string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, answer{time.Now(), said})
}

// answersSince is nil when the API has answered five times in a row, and all
// of that after a moment.
func (w *apiWatch) answersSince(moment time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.answers) < 5 {
		return errors.New("nobody was asked yet")
	}
	for _, a := range w.answers[len(w.answers)-5:] {
		if a.said != "ok" || a.at.Before(moment) {
			return fmt.Errorf("the API: %s", a.said)
		}
	}
	return nil
}

// failed are the requests that were not answered.
func (w *apiWatch) failed() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.answers {
		if a.said != "ok" {
			all = append(all, a.at.Format("15:04:05.0 ")+strings.TrimSpace(a.said))
		}
	}
	return all
}

// silence is the longest time between two answers.
func (w *apiWatch) silence() (longest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	good := slices.DeleteFunc(slices.Clone(w.answers), func(a answer) bool { return a.said != "ok" })
	for i := 1; i < len(good); i++ {
		longest = max(longest, good[i].at.Sub(good[i-1].at))
	}
	return longest.Round(100 * time.Millisecond)
}
