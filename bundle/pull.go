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

	"golang.org/x/sync/errgroup"
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

// puller is a Pull under way.
type puller struct {
	plan
	shelf *shelf
	via   http.RoundTripper
	down  downloader

	mu      sync.Mutex // of the shelf
	telling sync.Mutex
}

// job is what is fetched from one place: an archive may hold several artefacts.
type job struct {
	from upstream
	rows []component
}

// jobs are those of the rows that are not in place.
func (p *puller) jobs(ctx context.Context) ([]job, error) {
	var jobs []job
	at := map[string]int{}
	for _, row := range p.rows {
		from, err := row.upstream(p.Arch)
		if err != nil {
			return nil, err
		}
		if p.inPlace(ctx, row, from) {
			p.tell(PullEvent{Artefact: row.Name, State: InPlace})
			continue
		}
		i, ok := at[from.URL]
		if !ok {
			i, at[from.URL] = len(jobs), len(jobs)
			jobs = append(jobs, job{from: from})
		}
		jobs[i].rows = append(jobs[i].rows, row)
	}
	return jobs, ctx.Err()
}

// inPlace tells whether the artefact is there, sound and upstream's.
func (p *puller) inPlace(ctx context.Context, row component, from upstream) bool {
	a, ok := p.shelf.bundle.Find(row.Name)
	return ok && a.Source == from.URL && a.Group == row.Group && a.Version == row.Version &&
		p.shelf.pins.holds(a) == nil && p.shelf.bundle.Check(ctx, row.Name) == nil
}

// do does all jobs, and returns the faults of all: one that is not published
// does not hold up the others. A fault of this computer ends everything.
func (p *puller) do(ctx context.Context, jobs []job) error {
	all, cancel := context.WithCancel(ctx)
	defer cancel()
	faults := make([]error, len(jobs))
	var group errgroup.Group
	group.SetLimit(p.Parallel)
	for i, j := range jobs {
		group.Go(func() error {
			if all.Err() != nil {
				return nil
			}
			err := p.one(all, j)
			var local localError
			if errors.As(err, &local) {
				cancel()
			}
			if all.Err() == nil || local.err != nil {
				faults[i] = err
			}
			return nil
		})
	}
	return errors.Join(group.Wait(), ctx.Err(), errors.Join(faults...))
}

func (p *puller) one(ctx context.Context, j job) error {
	t := &tally{puller: p, name: j.rows[0].Name}
	t.bytes(0, 0)
	fetch := p.file
	if j.rows[0].Kind == Image {
		fetch = p.image
	}
	if err := fetch(ctx, j, t); err != nil {
		return fmt.Errorf("%s: %w", j.rows[0].Name, err)
	}
	for _, row := range j.rows {
		p.tell(PullEvent{Artefact: row.Name, State: Pulled})
	}
	return nil
}

// keep puts a fetched file into the bundle, and pins it.
func (p *puller) keep(ctx context.Context, row component, file string, pin Pin) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.shelf.pins.agree(row.Name, pin); err != nil {
		return err
	}
	p.shelf.pins[row.Name] = pin
	delete(p.shelf.inputs, row.Name)
	a := row.artefact()
	a.Source = pin.URL
	return asLocal(p.shelf.put(ctx, a, file))
}

// agree tells whether what upstream says now fits what is pinned.
func (p *puller) agree(rows []component, now Pin) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var faults []error
	for _, row := range rows {
		faults = append(faults, p.shelf.pins.agree(row.Name, now))
	}
	return errors.Join(faults...)
}

func (p *puller) tell(e PullEvent) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.Progress(e)
}
