package addons

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// lastLook is how long the cluster may take to answer why, after a deadline.
const lastLook = 2 * time.Second

// sayAgain is after how many looks a reason is told again that has not changed:
// a log may have passed over it when it was new.
const sayAgain = 50

// waiting is an object that is not ready yet, and why.
type waiting struct {
	Change
	live   *unstructured.Unstructured // nil until it was read
	status status.Status
	reason string
	fault  string // of its pods, as last seen

	promised []string // conditions
}

func newWaiting(c Change) *waiting { return &waiting{Change: c, reason: "not read yet"} }

func (w *waiting) why() string {
	if w.fault == "" {
		return w.reason
	}
	return w.reason + ": " + w.fault
}

// Wait returns when every object of the addons is ready, as kstatus defines it:
// for a DaemonSet, available on each node that it is for. An error names the
// object, its condition and what its pods wait for. The deadline is ctx's; what
// cannot get better by waiting fails before. Names limit it to some addons.
func (e *Engine) Wait(ctx context.Context, all []Addon, progress Progress, names ...string) error {
	promised := promises(all)
	var objects []*waiting
	for _, a := range named(all, names) {
		for _, o := range a.Objects {
			w := newWaiting(Change{Addon: a.Name, Object: describe(o), target: o})
			w.promised = promised[o.GroupVersionKind().GroupKind()]
			objects = append(objects, w)
		}
	}
	return e.waitFor(ctx, objects, progress)
}

func (e *Engine) waitFor(ctx context.Context, pending []*waiting, progress Progress) error {
	said := map[string]string{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for round := 1; ; round++ {
		select {
		case <-ctx.Done():
			return e.giveUp(ctx, pending)
		case <-timer.C:
		}
		pending = e.lookAll(ctx, pending)
		if len(pending) == 0 {
			return nil
		}
		for _, w := range pending {
			if err := e.explain(ctx, w, round); err != nil {
				return err
			}
			if why := w.why(); said[w.Object] != why || round%sayAgain == 0 {
				said[w.Object] = why
				progress.say(w.Addon, w.Object+": "+why)
			}
		}
		timer.Reset(pollInterval)
	}
}

// lookAll reads the objects and returns those that are not ready.
func (e *Engine) lookAll(ctx context.Context, objects []*waiting) []*waiting {
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, w := range objects {
		group.Go(func() error {
			e.look(ctx, w)
			return nil
		})
	}
	_ = group.Wait() // look keeps its error as the reason
	var pending []*waiting
	for _, w := range objects {
		if w.status != status.CurrentStatus {
			pending = append(pending, w)
		}
	}
	return pending
}

// look reads an object. An error is a reason to wait: while a cluster comes up
// the way to it may break off.
func (e *Engine) look(ctx context.Context, w *waiting) {
	live, err := e.read(ctx, w.target)
	if err != nil {
		if ctx.Err() == nil { // else the last reason tells more
			w.reason = err.Error()
		}
		return
	}
	w.live = live
	w.status, w.reason, err = readiness(live, w.promised)
	if err != nil {
		w.reason = err.Error()
	}
}

// giveUp names the first object that is not ready, since those after it may
// only be waiting for it.
func (e *Engine) giveUp(ctx context.Context, pending []*waiting) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	for _, w := range pending {
		return e.failure(look, w, ctx.Err())
	}
	return ctx.Err()
}

func (e *Engine) failure(ctx context.Context, w *waiting, cause error) error {
	if f := e.podFault(ctx, w.live); f.reason != "" {
		w.fault = f.String()
	}
	return fmt.Errorf("addon %s: %s is not ready: %s: %w", w.Addon, w.Object, w.why(), cause)
}
