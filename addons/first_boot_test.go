package addons

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kbm-dev/kbm/cluster"
)

// Of a cluster with every addon, the first boot brings those that all have, as
// Apply would, and no Secret.
func TestFirstBoot(t *testing.T) {
	c, err := cluster.Load(filepath.Join(examples, "full"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := Render(c, Review{Dir: c.Dir})
	if err != nil {
		t.Fatal(err)
	}
	text, inventory, err := FirstBoot(all)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(objects, func(x, y *unstructured.Unstructured) int { return int(waveOf(x) - waveOf(y)) }) {
		t.Error("what starts pods does not come last")
	}
	found := map[string]bool{}
	for _, o := range objects {
		found[o.GetLabels()[partOfLabel]] = true
		if o.GetKind() == "Secret" {
			t.Errorf("%s is among them", describe(o))
		}
		line := fmt.Sprintf("%s_%s", strings.ReplaceAll(o.GetName(), ":", "__"), o.GroupVersionKind().Group)
		if !strings.Contains(string(inventory), line) {
			t.Errorf("the inventory lacks %s", describe(o))
		}
	}
	for _, name := range []string{"rbac", "network", "kube-proxy", "coredns"} {
		if !found[name] {
			t.Errorf("%s is missing", name)
		}
		delete(found, name)
	}
	if len(found) > 0 {
		t.Errorf("there are more: %v", found)
	}
}
