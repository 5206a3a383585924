package addons

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// Action is what becomes of an object.
type Action string

// The actions. Replace is a delete and a create, where a field may not change.
// Keep is said of a place that would be deleted if it were empty.
const (
	Unchanged Action = "unchanged"
	Create    Action = "create"
	Update    Action = "update"
	Replace   Action = "replace"
	Delete    Action = "delete"
	Keep      Action = "keep"
)

// Changes tells whether there is anything to do.
func (a Action) Changes() bool { return a != Unchanged && a != Keep }

// applies tells whether the object is sent to the API server.
func (a Action) applies() bool { return a == Create || a == Update || a == Replace }

// Change is one object and what becomes of it.
type Change struct {
	Addon  string `json:"addon"`
	Object string `json:"object"` // DaemonSet kube-system/flannel
	Action Action `json:"action"`
	// Fields of an update, such as "spec.replicas: 1 → 2". Values of Secrets
	// are masked.
	Fields []string `json:"fields,omitempty"`
	// Note says why it is kept, or why its fields are not known.
	Note string `json:"note,omitempty"`

	target  *unstructured.Unstructured
	refusal error // of the dry run, where the plan itself may be the cure
}
