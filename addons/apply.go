package addons

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/fluxcd/pkg/ssa"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pollInterval is how often an object is asked whether it is there yet.
const pollInterval = 100 * time.Millisecond

// Apply carries out Plan, addon after addon, and returns how many objects it
// changed. It does not wait for what the objects start.
//
// The inventory first takes in what is about to be made, and at the end loses
// what was deleted: a run that was cut anywhere leaves no object that the next
// one does not know.
func (e *Engine) Apply(ctx context.Context, all []Addon, progress Progress) (int, error) {
	stored, err := e.readInventory(ctx)
	if err != nil {
		return 0, err
	}
	changes, err := e.plan(ctx, all, stored)
	if err != nil {
		return 0, err
	}
	wanted := inventoryOf(all)
	union := stored.with(wanted)
	if !maps.Equal(union, stored) {
		if err := e.writeInventory(ctx, union); err != nil {
			return 0, err
		}
	}
	changed := 0
	for _, a := range all {
		n, err := e.applyAddon(ctx, a, changes, progress)
		changed += n
		if err != nil {
			return changed, fmt.Errorf("apply addon %s: %w", a.Name, err)
		}
	}
	n, err := e.prune(ctx, changes, progress)
	changed += n
	if err != nil {
		return changed, err
	}
	if !maps.Equal(union, wanted) {
		return changed, e.writeInventory(ctx, wanted)
	}
	return changed, nil
}

// waves is how many steps the objects of an addon are applied in.
const waves = 3

// wave says when an object's turn comes: first what makes kinds and places,
// last what starts pods, because a pod whose account or configuration is not
// there yet is tried again only after a pause.
func wave(o *unstructured.Unstructured) int {
	switch o.GetKind() {
	case "Namespace", "CustomResourceDefinition", "PriorityClass":
		return 0
	case "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "CronJob", "Pod",
		"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
		return waves - 1
	}
	return 1
}

func (e *Engine) applyAddon(ctx context.Context, a Addon, changes []Change, progress Progress) (int, error) {
	changed := 0
	for w := range waves {
		var now []Change
		for _, c := range changes {
			if c.Addon == a.Name && c.Action != Unchanged && c.Action != Delete && wave(c.target) == w {
				now = append(now, c)
			}
		}
		if len(now) == 0 {
			continue
		}
		progress.say(a.Name, fmt.Sprintf("applying %s", count(len(now), "object")))
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(parallel)
		for _, c := range now {
			group.Go(func() error { return e.carryOut(groupCtx, c) })
		}
		if err := group.Wait(); err != nil {
			return changed, err
		}
		changed += len(now)
		if w == 0 {
			if err := e.waitFor(ctx, now, progress); err != nil {
				return changed, err
			}
		}
	}
	return changed, nil
}

func (e *Engine) carryOut(ctx context.Context, c Change) error {
	if c.Action == Replace {
		if err := e.remove(ctx, c.target); err != nil {
			return fmt.Errorf("replace %s: %w", c.Object, err)
		}
	}
	if err := e.apply(ctx, c.target); err != nil {
		return fmt.Errorf("%s %s: %w", c.Action, c.Object, err)
	}
	return nil
}

// apply takes the fields back from whoever changed them.
func (e *Engine) apply(ctx context.Context, o *unstructured.Unstructured) error {
	return e.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(o.DeepCopy()),
		client.ForceOwnership, client.FieldOwner(manager))
}

// prune deletes what only the inventory still knows, unless someone else has
// made an object of that name since.
func (e *Engine) prune(ctx context.Context, changes []Change, progress Progress) (int, error) {
	options := ssa.DefaultDeleteOptions()
	options.Inclusions = map[string]string{managedByLabel: manager}
	changed := 0
	for _, c := range changes {
		if c.Action != Delete {
			continue
		}
		progress.say(c.Addon, "deleting "+c.Object)
		if _, err := e.ssa.Delete(ctx, c.target, options); err != nil {
			return changed, fmt.Errorf("delete %s of addon %s: %w", c.Object, c.Addon, err)
		}
		changed++
	}
	return changed, nil
}

// remove deletes an object and waits until it is gone.
func (e *Engine) remove(ctx context.Context, o *unstructured.Unstructured) error {
	if _, err := e.ssa.Delete(ctx, o, ssa.DefaultDeleteOptions()); err != nil {
		return err
	}
	return wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(o.GroupVersionKind())
		err := e.client.Get(ctx, client.ObjectKeyFromObject(o), live)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
}

func (p Progress) say(addon, state string) {
	if p != nil {
		p(addon, state)
	}
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
