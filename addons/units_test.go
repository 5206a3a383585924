package addons

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/object"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestFieldChangesReadLikeYAMLPaths(t *testing.T) {
	at := func(image, label string, extra ...any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"kind":     "Deployment",
			"metadata": map[string]any{"name": "x", "generation": int64(len(extra)), "labels": map[string]any{"a.b/c": label}},
			"spec":     map[string]any{"containers": []any{map[string]any{"image": image}}, "list": append([]any{}, extra...)},
			"status":   map[string]any{"seen": image},
		}}
	}
	got, err := fieldChanges(at("a:1", "x"), at("a:2", strings.Repeat("y", 100), "new"))
	want := []string{
		`metadata.labels.a.b/c: "x" → (102 bytes)`,
		`spec.containers[0].image: "a:1" → "a:2"`,
		`spec.list[+]: added "new"`,
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestInventoryKeepsColonsInNames(t *testing.T) {
	all, err := Render(clusters()["six"], Review{})
	if err != nil {
		t.Fatal(err)
	}
	inv, back := inventoryOf(all), inventory{}
	for addon, lines := range inv.data() {
		for line := range strings.Lines(lines.(string)) {
			id, err := object.ParseObjMetadata(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			back[id] = addon
		}
	}
	if !maps.Equal(inv, back) {
		t.Errorf("written and read back, %v becomes %v", inv, back)
	}
}

func TestPodFaultNamesContainerAndCause(t *testing.T) {
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off"}}
	last := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2, Message: "no route"}}
	for name, tc := range map[string]struct {
		status corev1.PodStatus
		want   string
	}{
		"crashing": {
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Image: "a:1", State: waiting, LastTerminationState: last}}},
			"pod p on w1: CrashLoopBackOff (image a:1): last exit code 2: no route",
		},
		"nowhere to run": {
			corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes"}}},
			"pod p on w1: Unschedulable: 0/1 nodes",
		},
		"not answering its probe": {
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Image: "a:1", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}},
			"pod p on w1: NotReady (image a:1): it runs, and its probe does not succeed yet",
		},
	} {
		pod := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "w1"}, Status: tc.status}
		pod.Name = "p"
		if got := faultOf(pod).String(); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
	if f := faultOf(&corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Ready: true}}}}); f.reason != "" {
		t.Errorf("a ready pod has the fault %q", f)
	}
}
