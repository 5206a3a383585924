package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kbm-dev/kbm/cluster"
)

// ownedAnnotation lists the labels and taints that kbm gave a node, so that
// what leaves the spec leaves the node, and what others set stays.
const ownedAnnotation = "kbm.dev/owned"

const nodeDeadline = 5 * time.Minute

// owned is the content of the annotation.
type owned struct {
	Labels []string `json:"labels,omitempty"`
	Taints []string `json:"taints,omitempty"`
}

// nodePatch is what makes a Node object what the spec says, or nil when it is.
// The kubelet cannot do it: it may not give itself a role.
func nodePatch(c *cluster.Cluster, n *cluster.Node, have *corev1.Node) ([]byte, error) {
	var before owned
	// An annotation that is not ours to read counts as none: nothing is removed then.
	_ = json.Unmarshal([]byte(have.Annotations[ownedAnnotation]), &before)
	labels, taints := c.LabelsOf(n), c.TaintsOf(n)

	patch := map[string]any{}
	for _, key := range before.Labels {
		if _, keep := labels[key]; !keep {
			patch[key] = nil
		}
	}
	for key, value := range labels {
		if old, ok := have.Labels[key]; !ok || old != value {
			patch[key] = value
		}
	}
	after := owned{Labels: slices.Sorted(maps.Keys(labels))}
	var wanted []corev1.Taint
	for _, t := range taints {
		wanted = append(wanted, corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)})
		after.Taints = append(after.Taints, taintName(t.Key, t.Effect))
	}
	for _, t := range have.Spec.Taints {
		name := taintName(t.Key, string(t.Effect))
		if !slices.Contains(after.Taints, name) && !slices.Contains(before.Taints, name) {
			wanted = append(wanted, t)
		}
	}
	note, err := json.Marshal(after)
	if err != nil {
		return nil, err
	}
	sameTaints := equalTaints(have.Spec.Taints, wanted)
	if len(patch) == 0 && sameTaints && have.Annotations[ownedAnnotation] == string(note) {
		return nil, nil
	}
	metadata := map[string]any{"labels": patch, "annotations": map[string]any{ownedAnnotation: string(note)}}
	object := map[string]any{"metadata": metadata}
	if !sameTaints {
		// The list is replaced whole: a change in between must not be lost.
		metadata["resourceVersion"] = have.ResourceVersion
		object["spec"] = map[string]any{"taints": wanted}
	}
	return json.Marshal(object)
}

func taintName(key, effect string) string { return key + ":" + effect }

// equalTaints ignores the order, and when a taint was added.
func equalTaints(a, b []corev1.Taint) bool {
	key := func(list []corev1.Taint) []string {
		var out []string
		for _, t := range list {
			out = append(out, t.Key+"="+t.Value+":"+string(t.Effect))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(key(a), key(b))
}

// compareNodes tells which Node objects differ from the spec.
func (r *run) compareNodes(ctx context.Context) ([]string, error) {
	list, err := r.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the nodes: %w", err)
	}
	var changed []string
	for _, m := range r.nodes {
		i := slices.IndexFunc(list.Items, func(n corev1.Node) bool { return n.Name == m.node.Name })
		if i < 0 {
			changed = append(changed, m.node.Name)
			continue
		}
		patch, err := nodePatch(r.Cluster, m.node, &list.Items[i])
		if err != nil {
			return nil, err
		}
		if patch != nil {
			changed = append(changed, m.node.Name)
		}
	}
	return changed, nil
}

// waitNodes labels every node as it appears, and waits until all are Ready.
func (r *run) waitNodes(ctx context.Context) error {
	interval := 50*time.Millisecond + time.Duration(len(r.nodes))*2*time.Millisecond
	err := poll(ctx, nodeDeadline, interval, func(ctx context.Context) error {
		return r.labelAndCheck(ctx)
	})
	if unit := (*UnitError)(nil); errors.As(err, &unit) {
		return err // it says all that is to be said
	}
	if err != nil {
		return r.withKubeletLogs(ctx, err)
	}
	return nil
}

func (r *run) labelAndCheck(ctx context.Context) error {
	list, err := r.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the nodes: %w", err)
	}
	var waiting []string
	for _, m := range r.nodes {
		i := slices.IndexFunc(list.Items, func(n corev1.Node) bool { return n.Name == m.node.Name })
		if i < 0 {
			const unregistered = "it has not registered"
			waiting = append(waiting, m.node.Name+": "+unregistered)
			if err := r.waitFor(ctx, m, &m.worry, "wait until Ready", unregistered); err != nil {
				return err
			}
			continue
		}
		have := &list.Items[i]
		patch, err := nodePatch(r.Cluster, m.node, have)
		if err != nil {
			return permanent(err)
		}
		if patch != nil {
			if _, err := r.kube.CoreV1().Nodes().Patch(ctx, have.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: "kbm"}); err != nil {
				return fmt.Errorf("label %s: %w", have.Name, err)
			}
		}
		reason := notReady(have)
		if reason == "" && !m.ready {
			reason = m.kubeletFault(ctx)
		}
		if reason != "" {
			waiting = append(waiting, have.Name+": "+reason)
			if err := r.waitFor(ctx, m, &m.worry, "wait until Ready", inShort(reason)); err != nil {
				return err
			}
		} else if !m.ready {
			m.ready = true
			if !r.idle {
				r.report(have.Name, "Ready", Done, have.Status.NodeInfo.KubeletVersion)
			}
		}
	}
	if len(waiting) > 0 {
		return fmt.Errorf("%s", strings.Join(waiting, "; "))
	}
	return nil
}

// notReady is the reason why a node is not Ready, or nothing.
func notReady(n *corev1.Node) string {
	for _, c := range n.Status.Conditions {
		if c.Type != corev1.NodeReady {
			continue
		}
		if c.Status == corev1.ConditionTrue {
			return ""
		}
		return c.Reason + ": " + c.Message
	}
	return "no status yet"
}

// inShort says the one reason that every new node has for a while in fewer
// words than the kubelet.
func inShort(reason string) string {
	if strings.Contains(reason, "NetworkPluginNotReady") {
		return "its pods have no network yet"
	}
	return reason
}

// withKubeletLogs adds what the kubelets of the nodes that are not Ready said last.
func (r *run) withKubeletLogs(ctx context.Context, err error) error {
	var logs strings.Builder
	for _, m := range r.nodes {
		if m.ready || m.host == nil {
			continue
		}
		ctx, cancel := shortly(context.WithoutCancel(ctx))
		out, logErr := m.host.Run(ctx, Command{Script: "journalctl --no-pager -o cat -n 8 -u kubelet.service"})
		cancel()
		if logErr == nil {
			_, _ = fmt.Fprintf(&logs, "\nkubelet of %s:\n%s", m.node.Name, out.Stdout)
		}
	}
	return fmt.Errorf("%w%s", err, logs.String())
}
