//go:build lab

package addons

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kbm-dev/kbm/cluster"
)

// serviceMonitors are what the Prometheus operator defines.
const serviceMonitors = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: servicemonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  names: {kind: ServiceMonitor, plural: servicemonitors}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

// TestEveryAddonOnARealAPIServer has an API server look at all that kbm can
// render. Nobody runs the pods, so what asks them stays out.
func TestEveryAddonOnARealAPIServer(t *testing.T) {
	spec, err := cluster.Load(filepath.Join(examples, "full"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := Render(spec, Review{Dir: spec.Dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].Objects = slices.DeleteFunc(all[i].Objects, func(o *unstructured.Unstructured) bool { return waveOf(o) == hooks })
	}
	all = append(all, addon(t, "operator", serviceMonitors))
	c := startControl(t, "127.0.0.1")
	e := c.engine(t)
	began := time.Now()
	t.Logf("%d objects were made in %v", mustApply(t, e, all), time.Since(began))
	noDryRun(t, c, e, all)
}
