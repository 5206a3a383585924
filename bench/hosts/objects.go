package hosts

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kbm-dev/kbm/cluster"
)

const interval = 100 * time.Millisecond

func (k *control) waitReady(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, interval, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		last = k.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("the API server does not come up: %w: %w", err, last)
	}
	return nil
}

// makeNodes does what kubelets do: each registers itself and says that it is
// Ready. The status is as long as a real one.
func (k *control) makeNodes(ctx context.Context, c *cluster.Cluster) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i := range c.Nodes {
		n := &c.Nodes[i]
		g.Go(func() error {
			node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: map[string]string{
				corev1.LabelHostname: n.Name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			}}}
			made, err := k.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			made.Status = status(c, n)
			_, err = k.client.CoreV1().Nodes().UpdateStatus(ctx, made, metav1.UpdateOptions{})
			return err
		})
	}
	return g.Wait()
}

func status(c *cluster.Cluster, n *cluster.Node) corev1.NodeStatus {
	s := corev1.NodeStatus{
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: n.IP().String()}, {Type: corev1.NodeHostName, Address: n.Name},
		},
		NodeInfo: corev1.NodeSystemInfo{KubeletVersion: c.Kubernetes.Version, KernelVersion: "6.12.0", OSImage: "Debian GNU/Linux 13"},
	}
	for _, kind := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure} {
		s.Conditions = append(s.Conditions, corev1.NodeCondition{Type: kind, Status: corev1.ConditionFalse, LastHeartbeatTime: metav1.Now(), Reason: "KubeletHasSufficient", Message: "kubelet has enough of it"})
	}
	s.Conditions = append(s.Conditions, corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now(), Reason: "KubeletReady", Message: "kubelet is posting ready status"})
	for i := range 20 {
		s.Images = append(s.Images, corev1.ContainerImage{Names: []string{fmt.Sprintf("registry.example.com/some/image-%02d@sha256:%064d", i, i)}, SizeBytes: 1 << 25})
	}
	return s
}

// play says of every workload that comes up that it runs on all nodes, as its
// controller would in the end.
func (k *control) play(ctx context.Context, nodes int) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := k.settle(ctx, int32(nodes)); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (k *control) settle(ctx context.Context, nodes int32) error {
	apps := k.client.AppsV1()
	sets, err := apps.DaemonSets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, s := range sets.Items {
		if s.Status.ObservedGeneration == s.Generation {
			continue
		}
		s.Status.ObservedGeneration = s.Generation
		s.Status.DesiredNumberScheduled, s.Status.CurrentNumberScheduled, s.Status.UpdatedNumberScheduled = nodes, nodes, nodes
		s.Status.NumberReady, s.Status.NumberAvailable = nodes, nodes
		if _, err := apps.DaemonSets(s.Namespace).UpdateStatus(ctx, &s, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	deployments, err := apps.Deployments("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, d := range deployments.Items {
		if d.Status.ObservedGeneration == d.Generation {
			continue
		}
		d.Status.ObservedGeneration = d.Generation
		d.Status.Replicas, d.Status.UpdatedReplicas = *d.Spec.Replicas, *d.Spec.Replicas
		d.Status.ReadyReplicas, d.Status.AvailableReplicas = *d.Spec.Replicas, *d.Spec.Replicas
		d.Status.Conditions = []appsv1.DeploymentCondition{
			{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue},
			{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
		}
		if _, err := apps.Deployments(d.Namespace).UpdateStatus(ctx, &d, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return nil
}
