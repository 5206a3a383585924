package addons

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestWaves(t *testing.T) {
	for kind, want := range map[[2]string]wave{
		{"v1", "Namespace"}: places,
		{"apiextensions.k8s.io/v1", "CustomResourceDefinition"}: places,
		{"v1", "Secret"}:                    configs,
		{"networking.k8s.io/v1", "Ingress"}: configs,
		{"apps/v1", "Deployment"}:           workloads,
		{"admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"}: hooks,
		{"apiregistration.k8s.io/v1", "APIService"}:                         hooks,
		{"cert-manager.io/v1", "ClusterIssuer"}:                             customs,
		{"gateway.networking.k8s.io/v1", "GatewayClass"}:                    customs,
		{"apps.example.com/v1", "Deployment"}:                               customs, // a name is free in another group
	} {
		o := &unstructured.Unstructured{}
		o.SetAPIVersion(kind[0])
		o.SetKind(kind[1])
		if got := waveOf(o); got != want {
			t.Errorf("%s of %s: wave %d, want %d", kind[1], kind[0], got, want)
		}
	}
}

func TestContains(t *testing.T) {
	live := map[string]any{"a": int64(1), "list": []any{map[string]any{"x": "y", "default": true}}, "theirs": "z"}
	for name, tc := range map[string]struct {
		wanted map[string]any
		want   bool
	}{
		"a part":          {map[string]any{"a": int64(1), "list": []any{map[string]any{"x": "y"}}}, true},
		"another value":   {map[string]any{"a": int64(2)}, false},
		"a missing field": {map[string]any{"b": int64(1)}, false},
		"a shorter list":  {map[string]any{"list": []any{}}, false},
		"another type":    {map[string]any{"a": map[string]any{}}, false},
	} {
		if got := contains(live, tc.wanted); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
