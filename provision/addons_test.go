package provision

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// kbm up waits until these pods are planned for every node, so a pod that some
// node may refuse must not be among them: it would wait for ever.
func TestPodsThatBelongOnEveryNode(t *testing.T) {
	all := []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	linux := map[string]string{corev1.LabelOSStable: "linux"}
	for name, row := range map[string]struct {
		pod  corev1.PodSpec
		want bool
	}{
		"flannel":                     {corev1.PodSpec{NodeSelector: linux, Tolerations: all}, true},
		"a user's":                    {corev1.PodSpec{}, false},
		"the ingress on edge nodes":   {corev1.PodSpec{NodeSelector: map[string]string{"node-role.kubernetes.io/edge": ""}, Tolerations: all}, false},
		"one that tolerates one kind": {corev1.PodSpec{Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}}}, false},
		"one that chooses":            {corev1.PodSpec{Tolerations: all, Affinity: &corev1.Affinity{}}, false},
	} {
		if got := everywhere(&row.pod); got != row.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
