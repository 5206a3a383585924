package addons

import (
	"bytes"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kbm-dev/kbm/cluster"
)

// FirstBoot gives what brings a new cluster the addons without which no node is
// Ready, as YAML for `kubectl apply --server-side --field-manager=kbm`: their
// objects in the order of Apply, and the inventory of them, which goes first. A
// later Plan finds nothing to change. The addons that a section of the spec
// turns on are left to Apply: they need what only it can wait for.
func FirstBoot(all []Addon) (objects, inventory []byte, err error) {
	var core []Addon
	for _, a := range all {
		if !slices.Contains(cluster.OptionalAddons(), a.Name) {
			core = append(core, a)
		}
	}
	var ordered []*unstructured.Unstructured
	for _, a := range core {
		ordered = append(ordered, a.Objects...)
	}
	slices.SortStableFunc(ordered, func(x, y *unstructured.Unstructured) int { return int(waveOf(x) - waveOf(y)) })
	if objects, err = documents(ordered); err != nil {
		return nil, nil, err
	}
	inventory, err = yaml.Marshal(inventoryOf(core).object().Object)
	return objects, inventory, err
}

// documents are objects as kubectl reads them.
func documents(objects []*unstructured.Unstructured) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range objects {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes(), nil
}
