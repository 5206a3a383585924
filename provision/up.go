package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Step is one act of a run, in the order of Up.
type Step struct {
	Title string
	run   func(context.Context, *run) error
}

// Up is the table of contents of kbm: what `kbm up` does, from top to bottom.
// Before the first write the plan is known, and every machine was found fit.
func Up() []Step {
	return []Step{
		{"connect", connect},
		{"lock", lock},
		{"look at the machines", gather},
		{"check the machines", preflight},
		{"compare the objects", compareObjects},
		{"push artefacts", pushArtefacts},
		{"bring up the controllers", bringUpControllers},
		{"bring up the nodes and addons", bringUpNodes},
		{"wait until ready", waitReady},
	}
}

// Diff finds out what Up would do. It takes no lock, for it changes nothing.
func Diff() []Step {
	return []Step{
		{"connect", connect},
		{"look at the machines", gather},
		{"check the machines", preflight},
		{"compare the objects", compareObjects},
		{"compare the files", diffFiles},
	}
}

// Push brings the artefacts to the machines ahead of an installation.
func Push() []Step {
	return []Step{
		{"connect", connect},
		{"lock", lock},
		{"look at the machines", gather},
		{"check the machines", preflight},
		{"push artefacts", pushArtefacts},
		{"load the images", loadImages},
	}
}

// Run carries out the steps and returns the plan that they found. The end of
// ctx is context.Canceled, whatever it was that it ended.
func Run(ctx context.Context, env Env, steps []Step) (plan Plan, err error) {
	r := newRun(env)
	defer func() {
		// After an error, a lock that cannot be given back is no news.
		if closeErr := r.close(); err == nil {
			err = closeErr
		}
	}()
	for _, step := range steps {
		err := step.run(ctx, r)
		if ctx.Err() != nil {
			return r.plan(), ctx.Err()
		}
		var faults *Faults
		if err != nil && !errors.As(err, &faults) {
			err = fmt.Errorf("%s: %w", step.Title, err)
		}
		if err != nil {
			return r.plan(), err
		}
	}
	return r.plan(), nil
}

// close gives back the locks and connections, the last one first.
func (r *run) close() error {
	var errs []error
	for _, release := range slices.Backward(r.release) {
		errs = append(errs, release())
	}
	return errors.Join(errs...)
}

// each does one thing on many machines at once, and gathers every error: a
// person wants to know of all three broken machines, not of the first.
func (r *run) each(ctx context.Context, machines []*machine, do func(context.Context, *machine) error) error {
	return together(ctx, r.Parallel, machines, do)
}

// together is each with a limit of its own.
func together(ctx context.Context, limit int, machines []*machine, do func(context.Context, *machine) error) error {
	var g errgroup.Group
	g.SetLimit(max(limit, 1))
	errs := make([]error, len(machines))
	for i, m := range machines {
		g.Go(func() error {
			errs[i] = do(ctx, m)
			return nil
		})
	}
	_ = g.Wait() // the goroutines return nil: their errors are in errs
	return newFaults(errs...)
}
