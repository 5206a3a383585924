package addons

import (
	"context"
	"fmt"
	"sort"

	"github.com/fluxcd/cli-utils/pkg/object"
	"github.com/fluxcd/pkg/ssa"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// stale gives the deletion of everything that is stored and not wanted, users
// of a thing before the thing. What is gone, or has been made anew by someone
// else, is not mentioned.
func (e *Engine) stale(ctx context.Context, stored, wanted inventory) ([]Change, error) {
	ids := stored.without(wanted)
	sort.Sort(sort.Reverse(ssa.SortableMetas(ids)))
	gone := map[object.ObjMetadata]bool{}
	for _, id := range ids {
		gone[id] = true
	}
	found := make([]*Change, len(ids))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, id := range ids {
		group.Go(func() (err error) {
			found[i], err = e.staleOne(groupCtx, id, stored[id], gone)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var changes []Change
	for _, c := range found {
		if c != nil {
			changes = append(changes, *c)
		}
	}
	return changes, nil
}

// staleOne is nil where there is nothing to delete.
func (e *Engine) staleOne(ctx context.Context, id object.ObjMetadata, addon string, gone map[object.ObjMetadata]bool) (*Change, error) {
	gvk, err := e.kindOf(id.GroupKind)
	if meta.IsNoMatchError(err) {
		return nil, nil // its kind is gone, and all objects with it
	}
	if err != nil {
		return nil, fmt.Errorf("find the version of %s: %w", id.GroupKind, err)
	}
	live := &metav1.PartialObjectMetadata{}
	live.SetGroupVersionKind(gvk)
	err = e.client.Get(ctx, client.ObjectKey{Namespace: id.Namespace, Name: id.Name}, live)
	if apierrors.IsNotFound(err) || err == nil && live.Labels[managedByLabel] != manager {
		return nil, nil
	}
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(gvk)
	o.SetNamespace(id.Namespace)
	o.SetName(id.Name)
	c := &Change{Addon: addon, Object: describe(o), Action: Delete, target: o}
	if err != nil {
		return nil, fmt.Errorf("read %s of addon %s: %w", c.Object, c.Addon, err)
	}
	return c, e.keepIfUsed(ctx, c, gone)
}

func (e *Engine) kindOf(kind schema.GroupKind) (schema.GroupVersionKind, error) {
	mapping, err := e.client.RESTMapper().RESTMapping(kind)
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	return mapping.GroupVersionKind, nil
}
