package addons

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/wI2L/jsondiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// shown is how much of a value fits on a line, in bytes.
const shown = 60

var index = regexp.MustCompile(`\.(\d+)(\.|$)`)

// fieldChanges says in words what differs between an object as it is and as it
// would be, leaving out what the server itself keeps.
func fieldChanges(live, merged *unstructured.Unstructured) ([]string, error) {
	patch, err := jsondiff.Compare(live.Object, merged.Object, jsondiff.Ignores(
		"/status", "/metadata/managedFields", "/metadata/resourceVersion", "/metadata/generation"))
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", describe(live), err)
	}
	var fields []string
	for _, op := range patch {
		switch op.Type {
		case jsondiff.OperationAdd:
			fields = append(fields, dotted(op.Path)+": added "+short(op.Value))
		case jsondiff.OperationRemove:
			fields = append(fields, dotted(op.Path)+": removed "+short(op.OldValue))
		default:
			fields = append(fields, dotted(op.Path)+": "+short(op.OldValue)+" → "+short(op.Value))
		}
	}
	slices.Sort(fields)
	return fields, nil
}

// dotted turns /spec/containers/0/image into spec.containers[0].image.
func dotted(pointer string) string {
	path := strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
	if list, added := strings.CutSuffix(path, ".-"); added { // RFC 6902's end of a list
		path = list + "[+]"
	}
	for index.MatchString(path) {
		path = index.ReplaceAllString(path, "[$1]$2")
	}
	// RFC 6901 escapes these two.
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(path)
}

func short(value any) string {
	text, err := json.Marshal(value)
	switch {
	case err != nil || string(text) == "null":
		return "nothing"
	case len(text) > shown:
		return fmt.Sprintf("(%d bytes)", len(text))
	}
	return string(text)
}
