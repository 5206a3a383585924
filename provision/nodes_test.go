package provision

import (
	"encoding/json"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kbm-dev/kbm/cluster"
)

func TestNodePatch(t *testing.T) {
	c := &cluster.Cluster{}
	edge := &cluster.Node{Name: "ed1", Role: cluster.Edge, Labels: map[string]string{"zone": "a"}}
	patched := func(n *cluster.Node, have corev1.Node) (labels map[string]any, taints []any) {
		t.Helper()
		patch, err := nodePatch(c, n, &have)
		if err != nil {
			t.Fatal(err)
		}
		if patch == nil {
			return nil, nil
		}
		var p struct {
			Metadata struct{ Labels map[string]any }
			Spec     struct{ Taints []any }
		}
		if err := json.Unmarshal(patch, &p); err != nil {
			t.Fatal(err)
		}
		return p.Metadata.Labels, p.Spec.Taints
	}
	fresh := corev1.Node{Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "node.kubernetes.io/not-ready", Effect: "NoSchedule"}}}}
	labels, taints := patched(edge, fresh)
	if labels["zone"] != "a" || labels["node-role.kubernetes.io/edge"] != "" || len(taints) != 2 {
		t.Errorf("a fresh node gets labels %v and taints %v", labels, taints)
	}

	done := corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{"zone": "a", "node-role.kubernetes.io/edge": "", "mine": "1"},
			Annotations: map[string]string{ownedAnnotation: `{"labels":["node-role.kubernetes.io/edge","zone"],"taints":["node-role.kubernetes.io/edge:NoSchedule"]}`},
		},
		Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "mine", Effect: "NoExecute"}, {Key: "node-role.kubernetes.io/edge", Effect: "NoSchedule"}}},
	}
	if labels, taints := patched(edge, done); labels != nil || taints != nil {
		t.Errorf("a node that is as it should be gets labels %v and taints %v", labels, taints)
	}

	// As a worker without the label: what kbm gave goes, what others gave stays.
	worker := &cluster.Node{Name: "ed1", Role: cluster.Worker}
	labels, taints = patched(worker, done)
	if zone, there := labels["zone"]; !there || zone != nil {
		t.Errorf("the label that left the spec is not removed: %v", labels)
	}
	if _, touched := labels["mine"]; touched || len(taints) != 1 {
		t.Errorf("foreign labels or taints were touched: labels %v, taints %v", labels, taints)
	}
}

func TestAPIReason(t *testing.T) {
	for text, want := range map[string]string{
		"[+]ping ok\n[-]etcd-readiness failed: reason withheld\n[-]poststarthook/rbac/bootstrap-roles failed": "not ready yet: etcd-readiness, poststarthook/rbac/bootstrap-roles",
		`Get "https://10.0.0.1:6443/readyz": ssh: rejected: connect failed ("Connection refused")`:            "it does not listen yet",
	} {
		if got := apiReason(errors.New(text)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
