package addons

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// wave says when an object's turn comes, over all addons. Deletion goes through
// the waves the other way.
type wave int

const (
	// places are kinds and namespaces, which other objects need to be there.
	places wave = iota
	// configs come before what starts pods, because a pod whose account or
	// configuration is not there yet is tried again only after a pause.
	configs
	workloads
	// hooks make the API server depend on pods. They come after these, and are
	// gone before them.
	hooks
	// customs are what the pods work on. They are accepted when the hooks
	// answer, and can be deleted as long as there is someone to clean up.
	customs
)

func waveOf(o *unstructured.Unstructured) wave {
	if isCustom(o.GroupVersionKind().GroupKind()) {
		return customs
	}
	switch o.GetKind() {
	case "Namespace", crdKind, "PriorityClass":
		return places
	case "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "Pod":
		return workloads
	case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "APIService":
		return hooks
	}
	return configs
}
