package addons

import (
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
)

const issuers = `
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: issuers.example.com}, spec: {
  group: example.com, names: {kind: Issuer}, versions: [{name: v1, additionalPrinterColumns: [
    {jsonPath: '.status.conditions[?(@.type == "Ready")].status'}, {jsonPath: '.status.conditions[?(@.type == "Denied")].status'}]}]}}
`

// TestPromisedConditionsAreWaitedFor is about issuers that were just applied:
// without any condition kstatus calls them ready.
func TestPromisedConditionsAreWaitedFor(t *testing.T) {
	definitions, err := decode(strings.NewReader(issuers))
	if err != nil {
		t.Fatal(err)
	}
	promised := promises([]Addon{{Objects: definitions}})
	for manifest, want := range map[string]struct {
		status status.Status
		reason string
	}{
		"{apiVersion: example.com/v1, kind: Issuer, metadata: {name: x}}":                                                                                                               {status.InProgressStatus, "nobody has said yet whether it is Ready"},
		"{apiVersion: example.com/v1, kind: Issuer, metadata: {name: x}, status: {conditions: [{type: Ready, status: 'False', message: no account}]}}":                                  {status.InProgressStatus, "no account"},
		"{apiVersion: example.com/v1, kind: Issuer, metadata: {name: x}, status: {conditions: [{type: Ready, status: 'True'}]}}":                                                        {status.CurrentStatus, ""},
		"{apiVersion: example.com/v1, kind: Other, metadata: {name: x}}":                                                                                                                {status.CurrentStatus, ""},
		"{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: x}, status: {conditions: [{type: Available, status: 'False', message: connection refused}]}}":       {status.InProgressStatus, "it is not Available: connection refused"},
		"{apiVersion: example.com/v1, kind: Issuer, metadata: {name: x, generation: 2}, status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True', message: before}]}}": {status.InProgressStatus, "generation is 2"},
	} {
		objects, err := decode(strings.NewReader(manifest))
		if err != nil {
			t.Fatal(err)
		}
		got, reason, err := readiness(objects[0], promised[objects[0].GroupVersionKind().GroupKind()])
		if err != nil || got != want.status || !strings.Contains(reason, want.reason) {
			t.Errorf("%s: got %s, %q, %v; want %s, %q", manifest, got, reason, err, want.status, want.reason)
		}
	}
}
