package addons

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/fluxcd/cli-utils/pkg/object"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// keepIfUsed makes the deletion of a place into a keep, where it would take
// objects along that are not deleted for their own sake. A place is a namespace
// or a definition; gone is all that the plan deletes.
func (e *Engine) keepIfUsed(ctx context.Context, c *Change, gone map[object.ObjMetadata]bool) error {
	var held []string
	var err error
	switch c.target.GetKind() {
	case "Namespace":
		held, err = e.inNamespace(ctx, c.target.GetName(), isLocal(c.Addon), gone)
	case crdKind:
		held, err = e.ofDefinition(ctx, c.target.GetName(), gone)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	slices.Sort(held)
	switch {
	case err != nil: // better kept than emptied unseen
		c.Action, c.Note = Keep, "what it holds cannot be seen: "+err.Error()
	case len(held) == 1:
		c.Action, c.Note = Keep, "it still holds "+held[0]
	case len(held) > 1:
		c.Action, c.Note = Keep, fmt.Sprintf("it still holds %s and %d more", held[0], len(held)-1)
	}
	return nil
}

// isLocal tells whether an addon is the user's own, which no controller of
// kbm's leaves objects in.
func isLocal(addon string) bool {
	m, err := readAbout(folders, addon)
	return err == nil && m.Local
}

func (e *Engine) ofDefinition(ctx context.Context, name string, gone map[object.ObjMetadata]bool) ([]string, error) {
	kind, err := e.client.RESTMapper().KindFor(schema.ParseGroupResource(name).WithVersion(""))
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return e.held(ctx, kind, "", gone)
}

// leftBehind are the kinds in which controllers keep what they have to remember.
var leftBehind = map[string]bool{"ConfigMap": true, "Lease": true, "Secret": true}

// automatic are the kinds that Kubernetes makes by itself, with no owner noted.
var automatic = map[string]bool{"Endpoints": true, "EndpointSlice": true, "Event": true}

func (e *Engine) inNamespace(ctx context.Context, namespace string, local bool, gone map[object.ObjMetadata]bool) ([]string, error) {
	kinds, err := e.namespacedKinds()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var all []string
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, kind := range kinds {
		if automatic[kind.Kind] || leftBehind[kind.Kind] && !local {
			continue
		}
		group.Go(func() error {
			held, err := e.held(groupCtx, kind, namespace, gone)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, held...)
			return err
		})
	}
	return all, group.Wait()
}

// namespacedKinds are the kinds whose objects lie in namespaces and can be
// deleted: those of the metrics API, for one, are measured and not stored.
func (e *Engine) namespacedKinds() ([]schema.GroupVersionKind, error) {
	lists, err := discovery.ServerPreferredNamespacedResources(e.discovery)
	if err != nil {
		return nil, err
	}
	var kinds []schema.GroupVersionKind
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for i := range list.APIResources {
			r := &list.APIResources[i]
			if slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "delete") {
				kinds = append(kinds, version.WithKind(r.Kind))
			}
		}
	}
	return kinds, nil
}

// pageSize is how many objects are asked for in one request.
const pageSize = 500

// held describes the objects of a kind that would be lost: not those that have
// an owner, for they are made again or go with it.
func (e *Engine) held(ctx context.Context, kind schema.GroupVersionKind, namespace string, gone map[object.ObjMetadata]bool) ([]string, error) {
	var held []string
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	for {
		err := e.client.List(ctx, list, client.InNamespace(namespace), client.Limit(pageSize), client.Continue(list.Continue))
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", kind.GroupKind(), err)
		}
		for i := range list.Items {
			o := &list.Items[i]
			id := object.ObjMetadata{GroupKind: kind.GroupKind(), Namespace: o.Namespace, Name: o.Name}
			if gone[id] || o.DeletionTimestamp != nil || len(o.OwnerReferences) > 0 || inEveryNamespace(kind.Kind, o.Name) {
				continue
			}
			held = append(held, kind.Kind+" "+strings.TrimPrefix(o.Namespace+"/"+o.Name, "/"))
		}
		if list.Continue == "" {
			return held, nil
		}
	}
}

// inEveryNamespace are the two objects that Kubernetes puts into each.
func inEveryNamespace(kind, name string) bool {
	return kind == "ServiceAccount" && name == "default" || kind == "ConfigMap" && name == "kube-root-ca.crt"
}
