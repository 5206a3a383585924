package provision

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kbm-dev/kbm/addons"
)

const addonDeadline = 10 * time.Minute

// applyAddons applies what differs. Without a difference it asks nothing.
func (r *run) applyAddons(ctx context.Context) (err error) {
	if r.engine == nil {
		if r.engine, err = addons.New(r.api); err != nil {
			return err
		}
	}
	if !r.fresh && !changed(r.changes) {
		return nil
	}
	r.report("", "addons", Started, "")
	return r.applyChanges(ctx)
}

// applyChanges tells of what had to be kept, as the person meant it to go.
func (r *run) applyChanges(ctx context.Context, names ...string) error {
	ctx, cancel := context.WithTimeout(ctx, addonDeadline)
	defer cancel()
	done, err := r.engine.Apply(ctx, r.Addons, r.addonProgress, names...)
	for _, c := range done {
		if c.Action == addons.Keep {
			r.report("addon "+c.Addon, "", Warned, fmt.Sprintf("kept %s: %s", c.Object, c.Note))
		}
	}
	return err
}

func (r *run) addonProgress(addon, what string) {
	r.report("addon "+addon, "", Waiting, what)
}

// waitReady waits for the named conditions that make a cluster a working one.
func waitReady(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, addonDeadline)
	defer cancel()
	// A DaemonSet that has not heard of the last nodes counts as ready.
	if err := r.waitAgents(ctx); err != nil {
		return err
	}
	return r.engine.Wait(ctx, r.Addons, r.addonProgress)
}

// waitAgents waits until the agents that belong on every node are planned for
// every node.
func (r *run) waitAgents(ctx context.Context) error {
	return poll(ctx, addonDeadline, 100*time.Millisecond, func(ctx context.Context) error {
		sets, err := r.kube.AppsV1().DaemonSets("").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kbm"})
		if err != nil {
			return fmt.Errorf("list the daemon sets: %w", err)
		}
		for i := range sets.Items {
			set := &sets.Items[i]
			planned := int(set.Status.DesiredNumberScheduled)
			if !everywhere(&set.Spec.Template.Spec) || planned >= len(r.nodes) {
				continue
			}
			reason := fmt.Sprintf("planned for %d of %d nodes", planned, len(r.nodes))
			r.addonProgress(set.Labels["app.kubernetes.io/part-of"], set.Name+": "+reason)
			return fmt.Errorf("%s is %s", set.Name, reason)
		}
		return nil
	})
}

// everywhere tells the pods that belong on every node, whatever its taints and
// labels. All nodes run Linux, so asking for that is no exception.
func everywhere(pod *corev1.PodSpec) bool {
	for label := range pod.NodeSelector {
		if label != corev1.LabelOSStable {
			return false
		}
	}
	return pod.Affinity == nil && slices.ContainsFunc(pod.Tolerations, func(t corev1.Toleration) bool {
		return t.Operator == corev1.TolerationOpExists && t.Key == "" && t.Effect == ""
	})
}
