package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
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

// pushedAtOnce is how many artefacts go to one machine at a time, so that some
// are on their way while the machine verifies others.
const pushedAtOnce = 4

// PushArtefacts sends the artefacts of the plan that the machine does not have
// yet, or has it fetch them where it can. They wait there, verified, until ApplyFiles puts them in place. What was
// cut by an interruption goes on where it ended. progress, which may be nil, is
// told the bytes sent and the bytes to send of all of them, from several
// goroutines but never from two at once.
func PushArtefacts(ctx context.Context, host Host, p NodePlan, source ArtefactSource, progress func(done, total int64)) error {
	count := &counter{total: p.ArtefactBytes(), report: progress}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(pushedAtOnce)
	for _, a := range p.unarrived() {
		group.Go(func() error {
			if a.URL != "" {
				if err := fetch(ctx, host, p.Node, *a, p.missing(a), count); err != nil {
					return fmt.Errorf("fetch %s: %w", a.Name, diskError(p.Node, err))
				}
				return nil
			}
			if err := push(ctx, host, p.Node, *a, p.offset(a), source, count); err != nil {
				return fmt.Errorf("send %s: %w", a.Name, diskError(p.Node, err))
			}
			return nil
		})
	}
	return group.Wait()
}

func push(ctx context.Context, host Host, node string, a ignition.Artefact, offset int64, source ArtefactSource, count *counter) (err error) {
	file, err := source.Open(a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	err = send(ctx, host, a, offset, file, count)
	// What a session that was cut had received may have been on its way to the
	// disk when the machine was asked.
	if more, ok := answer(err, sizeDiffers); ok {
		if offset, err = strconv.ParseInt(more, 10, 64); err != nil {
			return err
		}
		err = send(ctx, host, a, offset, file, count)
	}
	sum, wrong := answer(err, sumDiffers)
	if wrong && offset > 0 {
		// A machine that lost its power may have lost the end of what it had
		// received, and filled it with zeros: then all of it is sent once more.
		err = send(ctx, host, a, 0, file, count)
		sum, wrong = answer(err, sumDiffers)
	}
	if wrong {
		return fmt.Errorf("%s received it with the SHA256 %s, not %s: what came was thrown away; run again, and if it stays so, `kbm bundle build`", node, sum, a.SHA256)
	}
	return err
}

func send(ctx context.Context, host Host, a ignition.Artefact, offset int64, file io.ReadSeeker, count *counter) error {
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	text, err := script("push.sh", a.SHA256, strconv.FormatInt(a.Size, 10), strconv.FormatInt(offset, 10))
	if err != nil {
		return err
	}
	_, err = host.Run(ctx, Command{Script: text, Stdin: io.TeeReader(file, count)})
	return err
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
