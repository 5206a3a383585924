package addons

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Apply carries out Plan, and returns what it changed and what it kept. Names
// limit it as they limit Plan. It waits for kinds to be served, for webhooks to
// answer before there is a custom resource, and for what it deletes to be gone;
// the deadline is ctx's. It does not wait for what the objects start.
//
// The inventory first takes in what is about to be made, and at the end loses
// what was deleted: a run that was cut anywhere leaves no object that the next
// one does not know.
func (e *Engine) Apply(ctx context.Context, all []Addon, progress Progress, names ...string) ([]Change, error) {
	stored, err := e.readInventory(ctx)
	if err != nil {
		return nil, err
	}
	changes, err := e.plan(ctx, all, stored, names)
	if err != nil {
		return nil, err
	}
	chosen := named(all, names)
	before := stored.with(inventoryOf(chosen))
	if !maps.Equal(before, stored) {
		if err := e.writeInventory(ctx, before); err != nil {
			return nil, err
		}
	}
	r := &run{Engine: e, chosen: chosen, defined: definedKinds(chosen), changes: changes, progress: progress.serial()}
	for _, step := range []func(context.Context) error{
		r.applying(places),
		r.served,
		r.applying(configs),
		r.applying(workloads),
		r.applying(hooks),
		r.heard,
		r.deleting(customs), // before new ones, which may not go together with them
		r.applying(customs),
		r.keeping,
		r.deleting(hooks),
		r.deleting(workloads),
		r.deleting(configs),
		r.deleting(places),
	} {
		if err := step(ctx); err != nil {
			return r.done, err
		}
	}
	after := maps.Clone(before)
	for _, id := range stored.of(names).without(inventoryOf(all).with(r.kept())) {
		delete(after, id)
	}
	if !maps.Equal(after, before) {
		return r.done, e.writeInventory(ctx, after)
	}
	return r.done, nil
}

// Remove deletes all that the inventory knows of the named addons, and nothing
// else. It returns what Apply does.
func (e *Engine) Remove(ctx context.Context, names []string, progress Progress) ([]Change, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return e.Apply(ctx, nil, progress, names...)
}

// run is one run of Apply.
type run struct {
	*Engine
	chosen   []Addon
	defined  map[schema.GroupKind]bool
	changes  []Change
	progress Progress

	mu   sync.Mutex
	done []Change
}

func (r *run) applying(w wave) func(context.Context) error {
	return func(ctx context.Context) error {
		var queues [][]*Change
		for _, a := range r.chosen {
			due := r.due(w, func(c *Change) bool { return c.Addon == a.Name && c.Action.applies() })
			if len(due) > 0 {
				r.progress.say(a.Name, "applying "+count(len(due), "object"))
			}
			if w == customs { // which may refer to those before them
				queues = append(queues, due)
				continue
			}
			queues = slices.AppendSeq(queues, slices.Chunk(due, 1))
		}
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(parallel)
		for _, queue := range queues {
			group.Go(func() error {
				for _, c := range queue {
					if err := r.carryOut(groupCtx, c); err != nil {
						return fmt.Errorf("addon %s: %s %s: %w", c.Addon, c.Action, c.Object, err)
					}
				}
				return nil
			})
		}
		return group.Wait()
	}
}

// due are the changes whose turn it is.
func (r *run) due(w wave, when func(*Change) bool) []*Change {
	var due []*Change
	for i := range r.changes {
		if c := &r.changes[i]; waveOf(c.target) == w && when(c) {
			due = append(due, c)
		}
	}
	return due
}

func (r *run) carryOut(ctx context.Context, c *Change) error {
	if c.Action == Replace {
		if err := r.remove(ctx, c); err != nil {
			return err
		}
	}
	err := r.patiently(ctx, c, func() error { return r.apply(ctx, c.target) })
	if err != nil {
		return err
	}
	r.note(c)
	return nil
}

func (r *run) note(c *Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = append(r.done, *c)
}

// served waits until new kinds can be used.
func (r *run) served(ctx context.Context) error {
	var fresh []*waiting
	for _, c := range r.due(places, func(c *Change) bool { return c.Action.applies() }) {
		fresh = append(fresh, newWaiting(*c))
	}
	if len(fresh) == 0 {
		return nil
	}
	return r.waitFor(ctx, fresh, r.progress)
}

// apply takes the fields back from whoever changed them.
func (e *Engine) apply(ctx context.Context, o *unstructured.Unstructured) error {
	return e.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(o.DeepCopy()),
		client.ForceOwnership, client.FieldOwner(manager))
}
