package addons

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sort"

	"github.com/fluxcd/cli-utils/pkg/object"
	"github.com/fluxcd/pkg/ssa"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Action is what becomes of an object.
type Action string

// The actions. Replace is a delete and a create, where a field may not change.
const (
	Unchanged Action = "unchanged"
	Create    Action = "create"
	Update    Action = "update"
	Replace   Action = "replace"
	Delete    Action = "delete"
)

// Change is one object and what becomes of it.
type Change struct {
	Addon  string `json:"addon"`
	Object string `json:"object"` // DaemonSet kube-system/flannel
	Action Action `json:"action"`
	// Fields of an update, such as "spec.replicas: 1 → 2". Values of Secrets
	// are masked.
	Fields []string `json:"fields,omitempty"`

	target *unstructured.Unstructured
}

// immutable is how the API server words that a field may not change; there is
// no reason code for it.
var immutable = regexp.MustCompile(`immutable|may not change|cannot change`)

// Plan compares the addons with the cluster, by a dry run on the server, and
// gives a Change for each object, unchanged ones too. Objects in the inventory
// that are not rendered any more come last, to be deleted. Nothing is changed.
func (e *Engine) Plan(ctx context.Context, all []Addon) ([]Change, error) {
	stored, err := e.readInventory(ctx)
	if err != nil {
		return nil, err
	}
	return e.plan(ctx, all, stored)
}

func (e *Engine) plan(ctx context.Context, all []Addon, stored inventory) ([]Change, error) {
	var changes []Change
	for _, a := range all {
		for _, o := range a.Objects {
			changes = append(changes, Change{Addon: a.Name, Object: describe(o), target: o})
		}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range changes {
		group.Go(func() error { return e.compare(groupCtx, &changes[i]) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	deletes, err := e.stale(stored, inventoryOf(all))
	return append(changes, deletes...), err
}

// compare finds out what applying the target would do.
func (e *Engine) compare(ctx context.Context, c *Change) error {
	// Diff changes what it is given.
	entry, live, merged, err := e.ssa.Diff(ctx, c.target.DeepCopy(), ssa.DefaultDiffOptions())
	switch {
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		// Its kind or its namespace is made by this very plan.
		c.Action = Create
	case replaceable(c.target, err):
		c.Action = Replace
	case err != nil:
		return fmt.Errorf("compare %s of addon %s: %w", c.Object, c.Addon, err)
	case entry.Action == ssa.CreatedAction:
		c.Action = Create
	case entry.Action == ssa.ConfiguredAction:
		c.Action = Update
		c.Fields, err = fieldChanges(live, merged)
		return err
	default:
		c.Action = Unchanged
	}
	return nil
}

// replaceable tells whether an object may be deleted and made anew. What holds
// data, or takes other objects with it, never is.
func replaceable(o *unstructured.Unstructured, err error) bool {
	if !apierrors.IsInvalid(err) || !immutable.MatchString(err.Error()) {
		return false
	}
	return !slices.Contains([]string{"Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim"}, o.GetKind())
}

// stale gives the deletion of everything that is stored and not wanted, users
// of a thing before the thing.
func (e *Engine) stale(stored, wanted inventory) ([]Change, error) {
	ids := stored.without(wanted)
	sort.Sort(sort.Reverse(ssa.SortableMetas(ids)))
	var changes []Change
	for _, id := range ids {
		gvk, err := e.kindOf(id)
		if meta.IsNoMatchError(err) {
			continue // its kind is gone, and all objects with it
		}
		if err != nil {
			return nil, fmt.Errorf("find the version of %s: %w", id.GroupKind, err)
		}
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(gvk)
		o.SetNamespace(id.Namespace)
		o.SetName(id.Name)
		changes = append(changes, Change{Addon: stored[id], Object: describe(o), Action: Delete, target: o})
	}
	return changes, nil
}

func (e *Engine) kindOf(id object.ObjMetadata) (schema.GroupVersionKind, error) {
	mapping, err := e.client.RESTMapper().RESTMapping(id.GroupKind)
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	return mapping.GroupVersionKind, nil
}
