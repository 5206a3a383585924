package addons

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// read gets an object as it is in the cluster.
func (e *Engine) read(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(o.GroupVersionKind())
	return live, e.client.Get(ctx, client.ObjectKeyFromObject(o), live)
}

// compareHere does without the server's dry run, which is impossible while a
// webhook does not answer. It sees what is missing or has another value, and may
// take for a difference what the server would see as the same.
func (e *Engine) compareHere(ctx context.Context, c *Change) error {
	live, err := e.read(ctx, c.target)
	switch {
	case apierrors.IsNotFound(err):
		c.Action = Create
	case err != nil:
		return fmt.Errorf("read %s of addon %s: %w", c.Object, c.Addon, err)
	case contains(live.Object, c.target.Object):
		c.Action, c.Note, c.refusal = Unchanged, "", nil
	default:
		c.Action = Update
	}
	return nil
}

// contains tells whether live has every field of wanted, with its value. Lists
// have to have the same length.
func contains(live, wanted any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		fields, ok := live.(map[string]any)
		for key, value := range wanted {
			ok = ok && contains(fields[key], value)
		}
		return ok
	case []any:
		items, ok := live.([]any)
		ok = ok && len(items) == len(wanted)
		for i := range wanted {
			ok = ok && contains(items[i], wanted[i])
		}
		return ok
	}
	return equality.Semantic.DeepEqual(live, wanted)
}
