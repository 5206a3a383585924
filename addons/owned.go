package addons

import (
	"bytes"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// asApplied tells whether applying wanted would leave live as it is: all that it
// says is there, and it still says all that was applied before. False may also
// mean that only the server can tell, since it writes some values in a way of
// its own.
func asApplied(live, wanted *unstructured.Unstructured) bool {
	if !contains(live.Object, wanted.Object) {
		return false
	}
	for _, entry := range live.GetManagedFields() {
		if entry.Manager == manager && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == "" {
			return entry.APIVersion == wanted.GetAPIVersion() && saysAll(live.Object, wanted.Object, entry.FieldsV1)
		}
	}
	return false
}

// saysAll tells whether wanted, which live contains, has all of the fields.
func saysAll(live, wanted map[string]any, fields *metav1.FieldsV1) bool {
	set := &fieldpath.Set{}
	if fields == nil || set.FromJSON(bytes.NewReader(fields.GetRawBytes())) != nil {
		return false
	}
	all := true
	set.Iterate(func(path fieldpath.Path) { all = all && has(live, wanted, path) })
	return all
}

// has tells whether wanted has a field. An item of a list is looked for in live,
// where it has all fields of its key, defaults too; in wanted it has the same
// place, because lists that contain each other are of one length.
func has(live, wanted any, path fieldpath.Path) bool {
	for _, element := range path {
		if element.FieldName != nil {
			var there bool
			fields, _ := live.(map[string]any)
			said, _ := wanted.(map[string]any)
			live = fields[*element.FieldName]
			if wanted, there = said[*element.FieldName]; !there {
				return false
			}
			continue
		}
		items, _ := live.([]any)
		said, _ := wanted.([]any)
		i := slices.IndexFunc(items, func(item any) bool { return selects(element, item) })
		if i < 0 || i >= len(said) {
			return false
		}
		live, wanted = items[i], said[i]
	}
	return true
}

// selects tells whether an item of an associative list is the one that is meant.
// Lists that are compared as a whole have no items here.
func selects(element fieldpath.PathElement, item any) bool {
	if element.Value != nil {
		return value.Equals(*element.Value, value.NewValueInterface(item))
	}
	fields, ok := item.(map[string]any)
	if !ok || element.Key == nil {
		return false
	}
	return !slices.ContainsFunc(*element.Key, func(f value.Field) bool {
		return !value.Equals(f.Value, value.NewValueInterface(fields[f.Name]))
	})
}
