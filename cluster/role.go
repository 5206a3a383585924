package cluster

import "maps"

// The labels of the roles, as `kubectl get nodes` shows them.
const (
	roleLabel    = "node-role.kubernetes.io/"
	ControlPlane = roleLabel + "control-plane"
	workerLabel  = roleLabel + "worker"
	edgeLabel    = roleLabel + "edge"
)

// LabelsOf returns the labels that the node shall carry: its role's and its own.
func (c *Cluster) LabelsOf(n *Node) map[string]string {
	labels := map[string]string{}
	if label := n.Role.Label(); label != "" {
		labels[label] = ""
	}
	maps.Copy(labels, n.Labels)
	return labels
}

// Label is the label of the nodes that have the role.
func (r Role) Label() string {
	switch r {
	case Controller:
		return ControlPlane
	case Worker:
		return workerLabel
	case Edge:
		return edgeLabel
	}
	return ""
}

// TaintsOf returns the taints that the node shall carry: its role's and its
// own. Controllers are for the control plane, unless told otherwise; edge nodes
// are for what faces the outside.
func (c *Cluster) TaintsOf(n *Node) []Taint {
	var taints []Taint
	switch {
	case n.Role == Controller && !c.Security.ScheduleOnControl:
		taints = append(taints, Taint{Key: ControlPlane, Effect: "NoSchedule"})
	case n.Role == Edge:
		taints = append(taints, Taint{Key: edgeLabel, Effect: "NoSchedule"})
	}
	return append(taints, n.Taints...)
}
