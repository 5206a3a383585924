package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/kbm-dev/kbm/ignition"
)

// ArtefactSource gives the files of the bundle.
type ArtefactSource interface {
	// Verify compares the named files with their SHA256, and reports every
	// fault. It comes before Open.
	Verify(ctx context.Context, names ...string) error
	Open(a ignition.Artefact) (io.ReadSeekCloser, error)
}

// streams is how many sessions send to one machine at a time, so that some bring
// artefacts while the machine verifies those of others. It takes a session, a
// shell and sudo for each stream, and not for each artefact.
const streams = 4

// PushArtefacts sends the artefacts of the plan that the machine does not have
// yet, or has it fetch them where it can. They wait there, verified, until
// ApplyFiles puts them in place. What was cut by an interruption goes on where
// it ended. progress, which may be nil, is told the bytes sent and the bytes to
// send of all of them, from several goroutines but never from two at once.
func PushArtefacts(ctx context.Context, host Host, p NodePlan, source ArtefactSource, progress func(done, total int64)) error {
	count := &counter{total: p.ArtefactBytes(), report: progress}
	var parts []consignment
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(streams)
	for _, a := range p.unarrived() {
		if a.URL == "" {
			parts = append(parts, consignment{*a, p.offset(a)})
			continue
		}
		group.Go(func() error {
			if err := fetch(ctx, host, p.Node, *a, p.missing(a), count); err != nil {
				return fmt.Errorf("fetch %s: %w", a.Name, diskError(p.Node, err))
			}
			return nil
		})
	}
	to := pusher{host: host, node: p.Node, source: source, count: count}
	for _, stream := range share(parts, streams) {
		group.Go(func() error { return to.push(ctx, stream) })
	}
	return group.Wait()
}

// The codes that push.sh ends with when the sum is wrong, and when there is
// more or less of the file than was thought.
const (
	sumDiffers  = 3
	sizeDiffers = 4
)

// answer is the last line that a script wrote to stderr, if it ended with code.
func answer(err error, code int) (string, bool) {
	var run *RunError
	if !errors.As(err, &run) || run.ExitCode != code {
		return "", false
	}
	said := strings.TrimSpace(run.Stderr)
	return said[strings.LastIndex(said, "\n")+1:], true
}

// counter adds up what several pushes have sent.
type counter struct {
	mu          sync.Mutex
	done, total int64
	report      func(done, total int64)
}

func (c *counter) Write(p []byte) (int, error) {
	c.add(int64(len(p)))
	return len(p), nil
}

func (c *counter) add(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	if c.report != nil {
		c.report(c.done, c.total)
	}
}
