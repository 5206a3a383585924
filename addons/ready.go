package addons

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// column is how a definition has kubectl get print a condition.
var column = regexp.MustCompile(`conditions\[\?\(@\.type *== *"(Ready|Accepted|Programmed|Available)"\)\]\.status`)

// promises are the conditions that objects of a kind are going to have. kstatus
// takes an object without conditions for ready, and so a custom resource that
// its program has not looked at yet. But a kind that prints a condition as a
// column sets it.
func promises(all []Addon) map[schema.GroupKind][]string {
	promised := map[schema.GroupKind][]string{
		{Group: "apiregistration.k8s.io", Kind: "APIService"}: {"Available"},
	}
	for _, a := range all {
		for _, o := range a.Objects {
			if o.GetKind() != crdKind {
				continue
			}
			kind := definedKind(o)
			for _, match := range column.FindAllStringSubmatch(fmt.Sprint(printed(o)), -1) {
				if !slices.Contains(promised[kind], match[1]) {
					promised[kind] = append(promised[kind], match[1])
				}
			}
		}
	}
	return promised
}

// printed are the columns of a definition, in all versions.
func printed(crd *unstructured.Unstructured) []any {
	var columns []any
	field, _, _ := unstructured.NestedFieldNoCopy(crd.Object, "spec", "versions") // they are large
	versions, _ := field.([]any)
	for _, version := range versions {
		v, _ := version.(map[string]any)
		columns = append(columns, v["additionalPrinterColumns"])
	}
	return columns
}

// readiness is kstatus's, and that of the promised conditions.
func readiness(o *unstructured.Unstructured, promised []string) (status.Status, string, error) {
	result, err := status.Compute(o)
	if err != nil || result.Status != status.CurrentStatus {
		if result == nil {
			return status.UnknownStatus, "", err
		}
		return result.Status, result.Message, err
	}
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, name := range promised {
		i := slices.IndexFunc(conditions, func(condition any) bool {
			c, _ := condition.(map[string]any)
			return c["type"] == name
		})
		if i < 0 {
			return status.InProgressStatus, "nobody has said yet whether it is " + name, nil
		}
		if c := conditions[i].(map[string]any); c["status"] != "True" {
			return status.InProgressStatus, fmt.Sprintf("it is not %s: %v", name, c["message"]), nil
		}
	}
	return status.CurrentStatus, result.Message, nil
}
