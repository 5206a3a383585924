package addons

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// serviceAsApplied is as an API server shows it: with a default of its own in the
// key of a port, with a label of someone else, and with who set what.
const serviceAsApplied = `
apiVersion: v1
kind: Service
metadata:
  name: dns
  labels: {app: dns, theirs: "1"}
  finalizers: [example.com/a, example.com/b]
  managedFields:
  - {manager: other, operation: Update, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:labels": {"f:theirs": {}}}}}
  - {manager: kbm, operation: Apply, apiVersion: v1, fieldsType: FieldsV1, subresource: status, fieldsV1: {"f:status": {}}}
  - manager: kbm
    operation: Apply
    apiVersion: v1
    fieldsType: FieldsV1
    fieldsV1:
      f:metadata:
        f:labels: {f:app: {}}
        f:finalizers: {'v:"example.com/b"': {}}
      f:spec:
        f:clusterIPs: {}
        f:ports:
          k:{"port":53,"protocol":"TCP"}: {.: {}, f:name: {}, f:port: {}}
          k:{"port":53,"protocol":"UDP"}: {.: {}, f:name: {}, f:port: {}, f:protocol: {}}
spec:
  clusterIPs: [10.96.0.10]
  type: ClusterIP
  ports:
  - {name: tcp, port: 53, protocol: TCP, targetPort: 53}
  - {name: udp, port: 53, protocol: UDP, targetPort: 53}
`

func TestAsApplied(t *testing.T) {
	live := one(t, serviceAsApplied)
	const applied = `{apiVersion: v1, kind: Service, metadata: {name: dns, labels: {app: dns}, finalizers: [example.com/a, example.com/b]},
  spec: {clusterIPs: [10.96.0.10], ports: [{name: tcp, port: 53}, {name: udp, port: 53, protocol: UDP}]}}`
	if !asApplied(live, one(t, applied)) {
		t.Error("what was applied is taken for a difference")
	}
	for name, edit := range map[string][2]string{
		"another value":                {"10.96.0.10", "10.96.0.11"},
		"a further field":              {"clusterIPs", "type: NodePort, clusterIPs"},
		"a field less":                 {"clusterIPs: [10.96.0.10], ", ""},
		"a label less":                 {"labels: {app: dns}, ", ""},
		"an item less":                 {"{name: tcp, port: 53}, ", ""},
		"a field of an item less":      {"{name: tcp, port: 53}", "{port: 53}"},
		"a field of another item less": {"name: udp, ", ""},
		"a list of values less":        {", finalizers: [example.com/a, example.com/b]", ""},
	} {
		if !strings.Contains(applied, edit[0]) {
			t.Fatalf("%s: nothing to edit", name)
		}
		if asApplied(live, one(t, strings.Replace(applied, edit[0], edit[1], 1))) {
			t.Errorf("%s is no difference", name)
		}
	}
	entries := live.GetManagedFields()
	entries[2].APIVersion = "v0" // which may have called its fields otherwise
	live.SetManagedFields(entries)
	if asApplied(live, one(t, applied)) {
		t.Error("fields of another version are taken for those of this one")
	}
	live.SetManagedFields(entries[:2])
	if asApplied(live, one(t, applied)) {
		t.Error("an object that kbm did not apply is taken for its own")
	}
}

// one decodes a manifest of one object.
func one(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	objects, err := decode(strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return objects[0]
}
