package provision

import (
	"context"
	"fmt"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/kbm-dev/kbm/ignition"
)

// waitPods waits until the control plane on this machine runs as its manifests
// say. The kubelet takes a moment to notice a new manifest, and until then an
// API server that is about to be restarted answers as if nothing were.
func (r *run) waitPods(ctx context.Context, m *machine) error {
	wanted, err := revisions(m.want)
	if err != nil {
		return err
	}
	// The API server on the same machine: it answers only when it runs itself.
	if err := r.connectAPI(m); err != nil {
		return err
	}
	err = poll(ctx, apiDeadline, apiInterval, func(ctx context.Context) error {
		err := r.ready(ctx)
		if err == nil {
			err = comparePods(ctx, r.kube, m.node.Name, wanted)
		}
		if err != nil {
			r.report(m.node.Name, "wait for the control plane", Waiting, apiReason(err))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("control plane of %s: %w%s", m.node.Name, err, logTail(ctx, m.host))
	}
	return nil
}

func comparePods(ctx context.Context, client kubernetes.Interface, node string, wanted map[string]string) error {
	pods, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{
		LabelSelector: "tier=control-plane", FieldSelector: "spec.nodeName=" + node,
	})
	if err != nil {
		return fmt.Errorf("list the pods of %s: %w", node, err)
	}
	found := map[string]*corev1.Pod{}
	for i := range pods.Items {
		found[pods.Items[i].Labels["component"]] = &pods.Items[i]
	}
	for name, revision := range wanted {
		pod := found[name]
		switch {
		case pod == nil:
			return fmt.Errorf("%s is not there yet", name)
		case pod.Annotations[ignition.RevisionAnnotation] != revision:
			return fmt.Errorf("%s is still the one of before", name)
		}
		// The server that answers needs no word of the kubelet, which comes late.
		if reason := podNotReady(pod); reason != "" && name != "kube-apiserver" {
			return fmt.Errorf("%s: %s", name, reason)
		}
	}
	return nil
}

// revisions are those of the static pods that the machine shall have, by the
// pods' component.
func revisions(m ignition.Machine) (map[string]string, error) {
	wanted := map[string]string{}
	for _, f := range m.Files {
		if path.Dir(f.Path) != ignition.ManifestDir {
			continue
		}
		var pod corev1.Pod
		if err := yaml.Unmarshal(f.Content, &pod); err != nil {
			return nil, fmt.Errorf("manifest %s: %w", f.Path, err)
		}
		wanted[strings.TrimSuffix(path.Base(f.Path), ".yaml")] = pod.Annotations[ignition.RevisionAnnotation]
	}
	return wanted, nil
}
