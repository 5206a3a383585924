package addons

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/object"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	inventoryName      = "kbm-inventory"
	inventoryNamespace = "kube-system"
)

// inventory is what kbm has made in the cluster: the addon by object. It is
// kept in a ConfigMap, so that an addon that is no longer rendered can be
// removed by whichever computer runs kbm next.
type inventory map[object.ObjMetadata]string

func inventoryOf(all []Addon) inventory {
	inv := inventory{}
	for _, a := range all {
		for _, o := range a.Objects {
			inv[object.UnstructuredToObjMetadata(o)] = a.Name
		}
	}
	return inv
}

// of is the part of some addons; no name stands for all.
func (inv inventory) of(names []string) inventory {
	if len(names) == 0 {
		return inv
	}
	part := maps.Clone(inv)
	maps.DeleteFunc(part, func(_ object.ObjMetadata, addon string) bool { return !slices.Contains(names, addon) })
	return part
}

// with is both; where they differ about an object's addon, more is right.
func (inv inventory) with(more inventory) inventory {
	union := maps.Clone(inv)
	maps.Copy(union, more)
	return union
}

// without lists what is in inv and not in other.
func (inv inventory) without(other inventory) []object.ObjMetadata {
	var ids []object.ObjMetadata
	for id := range inv {
		if _, ok := other[id]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// data has a key for each addon, its objects one a line.
func (inv inventory) data() map[string]any {
	lines := map[string][]string{}
	for id, addon := range inv {
		lines[addon] = append(lines[addon], id.String())
	}
	data := map[string]any{}
	for addon, ids := range lines {
		slices.Sort(ids)
		data[addon] = strings.Join(ids, "\n") + "\n"
	}
	return data
}

// Installed lists the addons that the inventory has objects of, sorted.
func (e *Engine) Installed(ctx context.Context) ([]string, error) {
	inv, err := e.readInventory(ctx)
	return slices.Compact(slices.Sorted(maps.Values(inv))), err
}

func (e *Engine) readInventory(ctx context.Context) (inventory, error) {
	inv := inventory{}
	var stored corev1.ConfigMap
	err := e.client.Get(ctx, client.ObjectKey{Namespace: inventoryNamespace, Name: inventoryName}, &stored)
	if apierrors.IsNotFound(err) {
		return inv, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the inventory: %w", err)
	}
	for addon, lines := range stored.Data {
		for line := range strings.Lines(lines) {
			id, err := object.ParseObjMetadata(strings.TrimSpace(line))
			if err != nil {
				return nil, fmt.Errorf("read the inventory, ConfigMap %s/%s, key %s: %w", inventoryNamespace, inventoryName, addon, err)
			}
			inv[id] = addon
		}
	}
	return inv, nil
}

// object is the ConfigMap that keeps it.
func (inv inventory) object() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMap",
		"metadata": map[string]any{
			"name":      inventoryName,
			"namespace": inventoryNamespace,
			"labels":    map[string]any{managedByLabel: manager},
		},
		"data": inv.data(),
	}}
}

func (e *Engine) writeInventory(ctx context.Context, inv inventory) error {
	if err := e.apply(ctx, inv.object()); err != nil {
		return fmt.Errorf("write the inventory: %w", err)
	}
	return nil
}
