package bundle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// PullOptions say what Pull fetches, and from where. The zero value fetches
// what clusters of the default version are made of, for this machine's
// architecture, from upstream.
type PullOptions struct {
	Dir        string // DefaultDir unless set
	Kubernetes string // DefaultKubernetes unless set
	Arch       string // this machine's unless set
	// Only limits the work to artefacts of these names and groups; unless set,
	// the groups are node, controller and those of all addons.
	Only    []string
	Mirrors Mirrors
	// Parallel limits how many are fetched at a time; 4 unless set.
	Parallel int
	// Timeout is how long a server may bring nothing, or less than a kilobyte a
	// second; a minute unless set.
	Timeout time.Duration
	// Progress, where set, is told what happens, one call at a time.
	Progress func(PullEvent)
	// Transport asks the world; unless set, it is Go's own with the proxy that
	// the environment names.
	Transport http.RoundTripper

	pause time.Duration // after the first fault; a second unless set
}

// The states of an artefact that is pulled, besides those of building.
const (
	Working State = "working"
	Pulled  State = "pulled"
	LeftOut State = "left out" // Detail is why
)

// PullEvent tells how far an artefact is.
type PullEvent struct {
	Artefact string
	State    State
	Detail   string // what it waits for, or why it was left out
	// Bytes have come of Total, which is -1 where the server does not say.
	Bytes, Total int64
}

// Validate tells what is wrong with the options, without touching anything.
func (o PullOptions) Validate() error {
	_, err := o.plan()
	return err
}

// plan is what is to be done, with all options filled in.
type plan struct {
	PullOptions
	release release
	rows    []component
	leftOut []error
}

func (o PullOptions) plan() (plan, error) {
	of, r, err := BuildOptions{Dir: o.Dir, Kubernetes: o.Kubernetes, Arch: o.Arch}.complete()
	if err != nil {
		return plan{}, err
	}
	o.Dir, o.Kubernetes, o.Arch = of.Dir, of.Kubernetes, of.Arch
	if o.Parallel < 0 || o.Timeout < 0 {
		return plan{}, fmt.Errorf("parallel is %d, timeout is %s: both are more than nothing", o.Parallel, o.Timeout)
	}
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Progress == nil {
		o.Progress = func(PullEvent) {}
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	if o.pause == 0 {
		o.pause = time.Second
	}
	p := plan{PullOptions: o, release: r}
	if err := o.Mirrors.check(Hosts(o.Kubernetes)); err != nil {
		return p, err
	}
	p.rows, p.leftOut, err = choosePulled(r, o.Arch, o.Only)
	return p, err
}

// Pull fetches upstream's releases of what is missing in the bundle, or was
// built or had in another version, and leaves the rest alone without asking
// anybody. Each is verified by the checksum that its project publishes, and
// pinned in the lock. It may be interrupted at any time, and goes on then.
func Pull(ctx context.Context, o PullOptions) (*Bundle, error) {
	p, err := o.plan()
	if err != nil {
		return nil, err
	}
	build := filepath.Join(p.Dir, "build")
	if err := os.MkdirAll(build, 0o755); err != nil {
		return nil, fmt.Errorf("pull bundle: %w", err)
	}
	unlock, err := lock(ctx, build, func() { p.Progress(PullEvent{State: Waiting}) })
	if err != nil {
		return nil, fmt.Errorf("pull bundle into %s: %w", p.Dir, err)
	}
	s, err := openShelf(p.Dir, p.release, p.Arch)
	if err == nil {
		err = p.pullInto(ctx, s)
	}
	if err := errors.Join(err, unlock()); err != nil {
		return nil, fmt.Errorf("pull bundle into %s: %w", p.Dir, err)
	}
	return Open(p.Dir)
}

func (p plan) pullInto(ctx context.Context, s *shelf) error {
	work := &puller{
		plan: p, shelf: s, via: overTLS{p.Transport, p.Mirrors.plain()},
		down: downloader{dir: filepath.Join(s.dir, "pull"), limit: p.Timeout, pause: p.pause, busy: new(sync.Map)},
	}
	for _, why := range p.leftOut {
		work.tell(PullEvent{State: LeftOut, Detail: why.Error()})
	}
	jobs, err := work.jobs(ctx)
	if err != nil || len(jobs) == 0 {
		return err
	}
	if err := os.MkdirAll(work.down.dir, 0o755); err != nil {
		return err
	}
	if err := work.do(ctx, jobs); err != nil {
		return err
	}
	return os.RemoveAll(work.down.dir)
}
