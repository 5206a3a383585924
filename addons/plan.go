package addons

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/fluxcd/pkg/ssa"
	ssaerrors "github.com/fluxcd/pkg/ssa/errors"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// immutable is how the API server words that a field may not change; there is
// no reason code for it.
var immutable = regexp.MustCompile(`immutable|may not change|cannot change`)

// Plan compares the addons with the cluster, by a dry run on the server where
// they do not look the same, and gives a Change for each object, unchanged ones
// too. Objects in the inventory that are not rendered any more come last, to be
// deleted. Nothing is changed.
//
// Names limit it to some addons, which may be in the inventory only; all still
// holds every addon of the cluster.
func (e *Engine) Plan(ctx context.Context, all []Addon, names ...string) ([]Change, error) {
	stored, err := e.readInventory(ctx)
	if err != nil {
		return nil, err
	}
	return e.plan(ctx, all, stored, names)
}

func (e *Engine) plan(ctx context.Context, all []Addon, stored inventory, names []string) ([]Change, error) {
	defined := definedKinds(named(all, names))
	var changes []Change
	for _, a := range named(all, names) {
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
	stale, err := e.stale(ctx, stored.of(names), inventoryOf(all))
	if err != nil {
		return nil, err
	}
	changes = append(changes, stale...)
	for i := range changes {
		c := &changes[i]
		if c.refusal != nil && !curable(c, changes) {
			return nil, fmt.Errorf("compare %s of addon %s: %w", c.Object, c.Addon, c.refusal)
		}
		_, own := defined[c.target.GroupVersionKind().GroupKind()]
		if c.Note == noKind && own {
			c.Note = ""
		}
	}
	return changes, nil
}

// named are the addons of these names; no name stands for all.
func named(all []Addon, names []string) []Addon {
	if len(names) == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(a Addon) bool { return !slices.Contains(names, a.Name) })
}

const noKind = "the cluster does not have this kind: install what defines it"

// compare finds out what applying the target would do.
func (e *Engine) compare(ctx context.Context, c *Change) error {
	live, err := e.read(ctx, c.target)
	switch {
	case err == nil && asApplied(live, c.target):
		c.Action = Unchanged
		return nil
	case apierrors.IsNotFound(err) && c.target.GetAnnotations()[versionAnnotation] != "":
		c.Action = Create
		return nil
	}
	// Diff changes what it is given.
	entry, live, merged, err := e.ssa.Diff(ctx, c.target.DeepCopy(), ssa.DefaultDiffOptions())
	if dryRun := (*ssaerrors.DryRunErr)(nil); errors.As(err, &dryRun) {
		err = dryRun.Unwrap() // its own text names the object again
	}
	why, wait := excuse(err)
	switch {
	case meta.IsNoMatchError(err):
		c.Action, c.Note = Create, noKind
	case apierrors.IsNotFound(err):
		// Its namespace is made by this very plan.
		c.Action = Create
	case replaceable(c.target, err):
		c.Action = Replace
	case wait:
		c.Note = why
		return e.compareHere(ctx, c)
	case err != nil && isCustom(c.target.GroupVersionKind().GroupKind()) && refused(err):
		c.refusal, c.Note = err, "not compared: "+err.Error()
		return e.compareHere(ctx, c)
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
	return !slices.Contains([]string{"Namespace", crdKind, "PersistentVolume", "PersistentVolumeClaim"}, o.GetKind())
}

// curable tells whether the plan itself may remove the reason of a refusal: it
// changes the definition that the object has to follow, or it deletes an object
// of the same group, such as a pool of the same addresses under its old name.
func curable(c *Change, changes []Change) bool {
	kind := c.target.GroupVersionKind().GroupKind()
	return slices.ContainsFunc(changes, func(other Change) bool {
		switch {
		case other.Action == Delete:
			return other.target.GroupVersionKind().Group == kind.Group
		case other.Action.applies() && other.target.GetKind() == crdKind:
			return definedKind(other.target) == kind
		}
		return false
	})
}
