//go:build lab

package addons

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestKindsWithoutNamespace compares the table with all that an API server has,
// kinds in the making included.
func TestKindsWithoutNamespace(t *testing.T) {
	c := startControl(t, "127.0.0.1", "--runtime-config", "api/all=true")
	e := c.engine(t)
	lists, err := e.discovery.ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list.APIResources {
			r := &list.APIResources[i]
			if !slices.Contains(r.Verbs, "create") || !slices.Contains(r.Verbs, "get") {
				continue // nobody applies it
			}
			if isCustom(schema.GroupKind{Group: version.Group, Kind: r.Kind}) {
				t.Errorf("%s of %s is taken for a custom resource", r.Kind, version)
			}
			if known := !slices.Contains(withoutNamespace[version.Group], r.Kind); known != r.Namespaced {
				t.Errorf("%s of %s lies in a namespace: %v, not %v", r.Kind, version, r.Namespaced, known)
			}
		}
	}
}
