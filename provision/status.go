package provision

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kbm-dev/kbm/ignition"
)

// Status is a cluster as `kbm status` shows it.
type Status struct {
	Cluster    string       `json:"cluster"`
	Kubernetes string       `json:"kubernetes"`
	Endpoint   string       `json:"endpoint"`
	API        string       `json:"api"` // ok, or why not
	Nodes      []NodeStatus `json:"nodes"`
	// Pods are those of kube-system that are not ready, with the reason.
	Pods []string `json:"unreadyPods"`
}

// Healthy is true when everything that was looked at is as it should be.
func (s Status) Healthy() bool {
	unwell := slices.ContainsFunc(s.Nodes, func(n NodeStatus) bool {
		return n.Error != "" || n.Ready != "True" || len(n.Down) > 0
	})
	return s.API == "ok" && !unwell && len(s.Pods) == 0
}

// NodeStatus is one machine.
type NodeStatus struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	Address string `json:"address"`
	// Error says why the machine could not be looked at.
	Error   string `json:"error,omitempty"`
	Ready   string `json:"ready"`   // True, False, Unknown, or empty without an API
	Kubelet string `json:"kubelet"` // its version
	Runtime string `json:"runtime"` // containerd's version
	// Down are units that should run and do not.
	Down []string `json:"down,omitempty"`
	// Drift is how many changes `kbm up` would make.
	Drift int `json:"drift"`
	// Expires is when the first certificate on the machine ends, and Certificate which.
	Expires     time.Time `json:"expires,omitzero"`
	Certificate string    `json:"certificate,omitempty"`
}

// Look finds out how a cluster fares. A machine that cannot be reached is a
// finding, not an error.
func Look(ctx context.Context, env Env) (status Status, err error) {
	r := newRun(env)
	defer func() {
		if closeErr := r.close(); err == nil {
			err = closeErr
		}
	}()
	c := env.Cluster
	status = Status{Cluster: c.Name, Kubernetes: c.Kubernetes.Version, Endpoint: c.EndpointURL(), Nodes: make([]NodeStatus, len(r.nodes))}
	_ = r.each(ctx, r.nodes, func(ctx context.Context, m *machine) error {
		status.Nodes[r.index(m)] = r.lookAt(ctx, m)
		return nil
	})
	if ctx.Err() != nil {
		return status, ctx.Err()
	}
	status.API = r.findAPI(ctx)
	if r.api != nil {
		err = r.lookAtCluster(ctx, &status)
	}
	return status, err
}

func (r *run) lookAt(ctx context.Context, m *machine) NodeStatus {
	s := NodeStatus{Name: m.node.Name, Role: string(m.node.Role), Address: m.node.IP().String()}
	err := connectOne(ctx, r, m)
	if err == nil {
		err = r.gatherOne(ctx, m)
	}
	if err != nil {
		s.Error = err.Error()
		return s
	}
	s.Drift = len(m.plan.Changes)
	for _, u := range m.want.Units {
		if u.Started && !m.facts.Units[u.Name].Running() {
			s.Down = append(s.Down, u.Name)
		}
	}
	s.Expires, s.Certificate = firstExpiry(m.want)
	return s
}

// firstExpiry is of the certificates that the machine shall have: one that
// differs there counts as drift.
func firstExpiry(m ignition.Machine) (first time.Time, which string) {
	for _, f := range m.Files {
		if path.Ext(f.Path) != ".crt" {
			continue
		}
		block, _ := pem.Decode(f.Content)
		if block == nil {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err == nil && (first.IsZero() || cert.NotAfter.Before(first)) {
			first, which = cert.NotAfter, f.Path
		}
	}
	return first, which
}

// findAPI connects to the first API server that is ready, and says "ok" or why none is.
func (r *run) findAPI(ctx context.Context) string {
	reason := "no controller could be reached"
	for _, m := range r.controllers() {
		if m.host == nil {
			continue
		}
		err := r.connectAPI(m)
		if err == nil {
			err = r.ready(ctx)
		}
		if err == nil {
			return "ok"
		}
		reason = m.node.Name + ": " + apiReason(err)
	}
	r.api = nil
	return reason
}

func (r *run) lookAtCluster(ctx context.Context, s *Status) error {
	nodes, err := r.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the nodes: %w", err)
	}
	for i := range s.Nodes {
		j := slices.IndexFunc(nodes.Items, func(n corev1.Node) bool { return n.Name == s.Nodes[i].Name })
		if j < 0 {
			s.Nodes[i].Ready = "not registered"
			continue
		}
		info := nodes.Items[j].Status
		s.Nodes[i].Kubelet = info.NodeInfo.KubeletVersion
		s.Nodes[i].Runtime = info.NodeInfo.ContainerRuntimeVersion
		for _, c := range info.Conditions {
			if c.Type == corev1.NodeReady {
				s.Nodes[i].Ready = string(c.Status)
			}
		}
	}
	pods, err := r.kube.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the pods of kube-system: %w", err)
	}
	s.Pods = []string{}
	for i := range pods.Items {
		if reason := podNotReady(&pods.Items[i]); reason != "" {
			s.Pods = append(s.Pods, pods.Items[i].Name+": "+reason)
		}
	}
	return nil
}

func podNotReady(p *corev1.Pod) string {
	// What is on its way out says nothing about the cluster.
	if p.Status.Phase == corev1.PodSucceeded || p.DeletionTimestamp != nil {
		return ""
	}
	for _, c := range p.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil {
			return strings.TrimSpace(w.Reason + " " + w.Message)
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status != corev1.ConditionTrue {
			return c.Reason
		}
		if c.Type == corev1.PodReady {
			return ""
		}
	}
	return string(p.Status.Phase)
}
