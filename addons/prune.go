package addons

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/object"
	"github.com/fluxcd/pkg/ssa"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// deleting deletes what only the inventory still knows, and waits until it is
// gone: what comes after may be what cleans up behind it.
func (r *run) deleting(w wave) func(context.Context) error {
	return func(ctx context.Context) error {
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(parallel)
		for _, c := range r.due(w, func(c *Change) bool { return c.Action == Delete }) {
			r.progress.say(c.Addon, "deleting "+c.Object)
			group.Go(func() error {
				if err := r.remove(groupCtx, c); err != nil {
					return fmt.Errorf("addon %s: delete %s: %w", c.Addon, c.Object, err)
				}
				r.note(c)
				return nil
			})
		}
		return group.Wait()
	}
}

// keeping looks once more at the places that are to be deleted, now that the
// custom resources are gone, and notes those that are kept.
func (r *run) keeping(ctx context.Context) error {
	gone := map[object.ObjMetadata]bool{}
	for _, c := range r.changes {
		if c.Action == Delete {
			gone[object.UnstructuredToObjMetadata(c.target)] = true
		}
	}
	for i := range r.changes {
		c := &r.changes[i]
		if c.Action == Delete {
			if err := r.keepIfUsed(ctx, c, gone); err != nil {
				return err
			}
		}
		if c.Action == Keep {
			r.note(c)
		}
	}
	return nil
}

// kept stays in the inventory, to be deleted when it is empty.
func (r *run) kept() inventory {
	inv := inventory{}
	for _, c := range r.changes {
		if c.Action == Keep {
			inv[object.UnstructuredToObjMetadata(c.target)] = c.Addon
		}
	}
	return inv
}

// remove deletes an object, unless someone else has made it anew since, and
// waits until it is gone.
func (r *run) remove(ctx context.Context, c *Change) error {
	options := ssa.DefaultDeleteOptions()
	if c.Action == Delete {
		options.Inclusions = map[string]string{managedByLabel: manager}
	}
	var entry *ssa.ChangeSetEntry
	err := r.patiently(ctx, c, func() (err error) {
		entry, err = r.ssa.Delete(ctx, c.target, options)
		return err
	})
	if err != nil || entry.Action == ssa.SkippedAction {
		return err
	}
	return r.untilGone(ctx, c)
}

func (r *run) untilGone(ctx context.Context, c *Change) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	reason := ""
	for {
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(c.target.GroupVersionKind())
		err := r.client.Get(ctx, client.ObjectKeyFromObject(c.target), live)
		if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
			return nil
		}
		if err == nil && live.GetDeletionTimestamp() != nil {
			if why := heldBy(live); why != reason {
				reason = why
				r.progress.say(c.Addon, "waiting until "+c.Object+" is gone: "+why)
			}
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return fmt.Errorf("it is still there: %s: %w", reason, ctx.Err())
		case <-ticker.C:
		}
	}
}

// heldBy says what an object waits for that is being deleted.
func heldBy(o *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, condition := range conditions {
		c, _ := condition.(map[string]any)
		// A namespace says itself what is left in it.
		if kind, _ := c["type"].(string); strings.HasSuffix(kind, "Remaining") && c["status"] == "True" {
			return fmt.Sprint(c["message"])
		}
	}
	if finalizers := o.GetFinalizers(); len(finalizers) > 0 {
		return "whoever set its finalizers has to clean up first: " + strings.Join(finalizers, ", ")
	}
	return "it is being deleted"
}
