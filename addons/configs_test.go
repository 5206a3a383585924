package addons

import (
	"strings"
	"testing"
)

const workload = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: web}
spec:
  template:
    spec:
      volumes: [VOLUME]
      containers: [{name: c, CONTAINER}]
`

// TestPodsRollWithWhatTheyUse changes a Secret and a ConfigMap in turn.
func TestPodsRollWithWhatTheyUse(t *testing.T) {
	hash := func(volume, container, secret, config string) string {
		t.Helper()
		deployment, err := decode(strings.NewReader(strings.NewReplacer("VOLUME", volume, "CONTAINER", container).Replace(workload)))
		if err != nil {
			t.Fatal(err)
		}
		configs, err := decode(strings.NewReader(strings.NewReplacer("SECRET", secret, "CONFIG", config).Replace(`
{apiVersion: v1, kind: Secret, metadata: {name: x, namespace: web}, data: {k: SECRET}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: web}, data: {k: CONFIG}}
---
{apiVersion: v1, kind: Secret, metadata: {name: x, namespace: other}, data: {k: SECRETCONFIG}}`)))
		if err != nil {
			t.Fatal(err)
		}
		// The Secret of another addon counts as well.
		if err := hashConfigs([]Addon{{Objects: deployment}, {Objects: configs}}); err != nil {
			t.Fatal(err)
		}
		return text(deployment[0], "spec", "template", "metadata", "annotations", configAnnotation)
	}
	for name, tc := range map[string]struct {
		volume, container string
		ofSecret          bool
	}{
		"volume of a Secret":           {"{name: v, secret: {secretName: x}}", "image: i", true},
		"volume of a ConfigMap":        {"{name: v, configMap: {name: x}}", "image: i", false},
		"projected Secret":             {"{name: v, projected: {sources: [{secret: {name: x}}]}}", "image: i", true},
		"projected ConfigMap":          {"{name: v, projected: {sources: [{configMap: {name: x}}]}}", "image: i", false},
		"variable of a Secret":         {"", "env: [{name: K, valueFrom: {secretKeyRef: {name: x, key: k}}}]", true},
		"variable of a ConfigMap":      {"", "env: [{name: K, valueFrom: {configMapKeyRef: {name: x, key: k}}}]", false},
		"all variables of a Secret":    {"", "envFrom: [{secretRef: {name: x}}]", true},
		"all variables of a ConfigMap": {"", "envFrom: [{configMapRef: {name: x}}]", false},
	} {
		before := hash(tc.volume, tc.container, "a", "a")
		if before == "" {
			t.Errorf("%s: the pods have no hash", name)
		}
		if rolls := hash(tc.volume, tc.container, "b", "a") != before; rolls != tc.ofSecret {
			t.Errorf("%s: another Secret rolls the pods: %v", name, rolls)
		}
		if rolls := hash(tc.volume, tc.container, "a", "b") != before; rolls == tc.ofSecret {
			t.Errorf("%s: another ConfigMap rolls the pods: %v", name, rolls)
		}
	}
	if got := hash("", "image: i", "a", "a"); got != "" {
		t.Errorf("pods that use neither have the hash %s", got)
	}
}
