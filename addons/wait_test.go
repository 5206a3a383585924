//go:build lab

package addons

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The steps below report in the place of a controller manager and a kubelet
// what these would, and look at what Wait makes of it.

func waitNamesThePod(t *testing.T, _ *control, e *Engine, all []Addon) {
	flannel := find(t, all, "DaemonSet", "flannel")
	report(t, e, flannel, `{"desiredNumberScheduled":2,"currentNumberScheduled":2,"updatedNumberScheduled":2,"numberMisscheduled":0,"numberReady":1,"numberAvailable":1}`)
	pod := stuckPod(t, e, flannel, "ImagePullBackOff", "no such image")
	defer func() { _ = e.client.Delete(t.Context(), pod, client.GracePeriodSeconds(0)) }()

	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var said []string
	err := e.Wait(ctx, only(all, "network"), func(addon, state string) { said = append(said, addon+": "+state) })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the deadline", err)
	}
	for _, want := range []string{"addon network", "DaemonSet kube-system/flannel", "1/2", "pod flannel-stuck on w1", "ImagePullBackOff", "no such image", "ghcr.io/flannel-io/flannel:v0.28.9"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "ImagePullBackOff") }) {
		t.Errorf("the reason was not on screen before the end: %q", said)
	}
}

func waitEndsWhenReady(t *testing.T, _ *control, e *Engine, all []Addon) {
	flannel := find(t, all, "DaemonSet", "flannel")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := e.Wait(ctx, only(all, "network"), func(_, state string) {
		if strings.Contains(state, "1/2") {
			report(t, e, flannel, `{"numberReady":2,"numberAvailable":2}`)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func waitFailsAtOnce(t *testing.T, _ *control, e *Engine, all []Addon) {
	report(t, e, find(t, all, "Deployment", "coredns"), `{"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded"}]}`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	err := e.Wait(ctx, only(all, "coredns"), nil)
	if !errors.Is(err, errHopeless) || !strings.Contains(err.Error(), "Deployment kube-system/coredns") {
		t.Errorf("got %v, want an error that names the Deployment", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func waitSeesWhatIsMissing(t *testing.T, _ *control, e *Engine, all []Addon) {
	binding := find(t, all, "ClusterRoleBinding", "kbm:flannel")
	wipe(t, e, binding)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := e.Wait(ctx, only(all, "network"), nil)
	if err == nil || !strings.Contains(err.Error(), describe(binding)) || !strings.Contains(err.Error(), "not found") {
		t.Errorf("got %v, want an error that names %s", err, describe(binding))
	}
	mustApply(t, e, all)
}

func waitStopsWithItsContext(t *testing.T, _ *control, e *Engine, all []Addon) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := e.Wait(ctx, only(all, "kube-proxy"), func(string, string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
}

func only(all []Addon, names ...string) []Addon {
	return slices.DeleteFunc(slices.Clone(all), func(a Addon) bool { return !slices.Contains(names, a.Name) })
}

// report writes a status, as a controller does.
func report(t *testing.T, e *Engine, o *unstructured.Unstructured, status string) {
	t.Helper()
	live := o.DeepCopy()
	if err := e.client.Get(t.Context(), client.ObjectKeyFromObject(o), live); err != nil {
		t.Fatal(err)
	}
	for _, patch := range []string{status, fmt.Sprintf(`{"observedGeneration":%d}`, live.GetGeneration())} {
		patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"status":%s}`, patch))
		if err := e.client.Status().Patch(t.Context(), live, patch); err != nil {
			t.Fatal(err)
		}
	}
}

// stuckPod is a pod of a workload whose container waits.
func stuckPod(t *testing.T, e *Engine, workload *unstructured.Unstructured, reason, message string) *corev1.Pod {
	t.Helper()
	labels, _, err := unstructured.NestedStringMap(workload.Object, "spec", "template", "metadata", "labels")
	if err != nil {
		t.Fatal(err)
	}
	image := imagesIn(workload.Object)[0]
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: workload.GetName() + "-stuck", Namespace: workload.GetNamespace(), Labels: labels},
		Spec:       corev1.PodSpec{NodeName: "w1", ServiceAccountName: workload.GetName(), Containers: []corev1.Container{{Name: "c", Image: image}}},
	}
	if err := e.client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "c", Image: image,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	}}
	if err := e.client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}
