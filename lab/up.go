package lab

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"
)

// Event is one thing that happened to one machine, or to the lab itself where
// Machine is empty.
type Event struct {
	Machine string
	Step    string
	// Detail is what there is to say about the step, in one line.
	Detail string
	// Done ends the step.
	Done bool
}

// Progress receives events; it may be called from several goroutines.
type Progress func(Event)

// Up makes the lab's network and switches on every machine of the spec that is
// not running, all at once. It returns when each machine's sshd answers. A
// machine whose disk is new reads its medium first.
func (l Lab) Up(ctx context.Context, spec Spec, progress Progress) (err error) {
	d, patience, err := l.starter(ctx, spec, progress)
	if err != nil {
		return err
	}
	spec, err = spec.complete(l.ID)
	if err != nil {
		return err
	}
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := l.sameDriver(spec); err != nil {
		return err
	}
	if err := l.write(spec); err != nil {
		return err
	}
	if spec.Driver() == Nspawn {
		if err := raiseLimits(ctx, procSys, filepath.Dir(l.StateDir)); err != nil {
			return err
		}
	}
	if err := l.ensureOutside(spec.Gateway); err != nil {
		return err
	}
	return l.switchOn(ctx, d, patience, spec.Machines, progress)
}

func (l Lab) switchOn(ctx context.Context, d driver, patience time.Duration, machines []Machine, progress Progress) error {
	faults := make([]error, len(machines))
	var all sync.WaitGroup
	for i, m := range machines {
		all.Go(func() {
			if d.Running(m.Name) == 0 {
				progress(Event{Machine: m.Name, Step: "boot"})
				if faults[i] = d.Start(ctx, m); faults[i] != nil {
					return
				}
			}
			if faults[i] = l.awaitSSH(ctx, d, patience, m); faults[i] == nil {
				progress(Event{Machine: m.Name, Step: "boot", Detail: "sshd answers at " + m.sshAddress(), Done: true})
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}
