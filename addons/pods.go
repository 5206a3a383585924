package addons

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errHopeless is the cause of a failure that no waiting cures.
var errHopeless = errors.New("waiting longer does not help")

// podFault is why a pod does not run.
type podFault struct {
	pod, node     string
	image         string // of the container that is at fault
	reason, words string
}

func (f podFault) String() string {
	s := "pod " + f.pod
	if f.node != "" {
		s += " on " + f.node
	}
	s += ": " + f.reason
	if f.image != "" {
		s += " (image " + f.image + ")"
	}
	if f.words != "" {
		s += ": " + f.words
	}
	return s
}

// hopeless tells whether waiting cannot cure it.
func (f podFault) hopeless() bool {
	return slices.Contains([]string{"InvalidImageName", "ErrImageNeverPull"}, f.reason)
}

// podRounds is after how many looks at an object its pods are looked at too:
// once a second, since most are ready before.
const podRounds = 10

// explain keeps in w what its pods wait for, and is an error where the object
// or a pod of it has failed for good.
func (e *Engine) explain(ctx context.Context, w *waiting, round int) error {
	if w.status == status.FailedStatus {
		return e.failure(ctx, w, errHopeless)
	}
	if round%podRounds != 0 {
		return nil
	}
	f := e.podFault(ctx, w.live)
	w.fault = ""
	if f.reason != "" {
		w.fault = f.String()
	}
	if f.hopeless() {
		return e.failure(ctx, w, errHopeless)
	}
	return nil
}

// podFault finds the first fault among the pods that a workload selects.
func (e *Engine) podFault(ctx context.Context, workload *unstructured.Unstructured) podFault {
	if workload == nil {
		return podFault{}
	}
	selector, found, _ := unstructured.NestedStringMap(workload.Object, "spec", "selector", "matchLabels")
	if !found {
		return podFault{}
	}
	var pods corev1.PodList
	err := e.client.List(ctx, &pods, client.InNamespace(workload.GetNamespace()), client.MatchingLabels(selector))
	if err != nil {
		return podFault{}
	}
	for i := range pods.Items {
		if f := faultOf(&pods.Items[i]); f.reason != "" {
			return f
		}
	}
	return podFault{}
}

func faultOf(pod *corev1.Pod) podFault {
	f := podFault{pod: pod.Name, node: pod.Spec.NodeName}
	containers := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	for _, c := range containers {
		if w := c.State.Waiting; w != nil && w.Reason != "PodInitializing" {
			f.image, f.reason, f.words = c.Image, w.Reason, w.Message
			if t := c.LastTerminationState.Terminated; t != nil {
				f.words = strings.TrimSpace(fmt.Sprintf("last exit code %d: %s", t.ExitCode, t.Message))
			}
			return f
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			f.reason, f.words = c.Reason, c.Message
			return f
		}
	}
	for _, c := range containers {
		if !c.Ready && c.State.Running != nil {
			f.image, f.reason, f.words = c.Image, "NotReady", "it runs, and its probe does not succeed yet"
			return f
		}
	}
	return f
}
