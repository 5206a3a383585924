package bundle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
)

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
	results := make([]error, len(jobs))
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
				results[i] = err
			}
			return nil
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return err
	}
	var wrong faults
	for i, j := range jobs {
		wrong.add(j.rows[0].Name, results[i])
	}
	return wrong.err()
}

func (p *puller) one(ctx context.Context, j job) error {
	t := &tally{puller: p, name: j.rows[0].Name}
	t.bytes(0, 0)
	fetch := p.file
	if j.rows[0].Kind == Image {
		fetch = p.image
	}
	if err := fetch(ctx, j, t); err != nil {
		return err
	}
	for _, row := range j.rows {
		p.tell(PullEvent{Artefact: row.Name, State: Pulled})
	}
	return nil
}

// keep puts a fetched file into the bundle, and pins it.
func (p *puller) keep(ctx context.Context, row component, file string, pin Pin) error {
	if err := checkMachine(file, p.Arch); row.Kind == Binary && err != nil {
		return errors.Join(fmt.Errorf("%s: %w", pin.URL, err), os.Remove(file))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.shelf.pins.agree(row.Name, pin); err != nil {
		return err
	}
	p.shelf.pins[row.Name] = pin
	delete(p.shelf.inputs, row.Name)
	from, err := row.upstream(p.Arch)
	if err != nil {
		return err
	}
	a := row.artefact()
	a.Source, a.Member = pin.URL, from.Member
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
