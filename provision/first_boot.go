package provision

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// FromMedium gives a Machine that gets everything from its medium the record of
// what kbm put there. The first `kbm up` then finds a machine of its own: it
// takes the ports in use for the cluster's, and removes what leaves the spec.
func FromMedium(m ignition.Machine) (ignition.Machine, error) {
	list, err := items(m)
	if err != nil {
		return m, err
	}
	inv := Inventory{Paths: map[string][]string{}}
	for _, it := range list {
		inv.Paths[it.path] = it.restarts
	}
	text, err := json.Marshal(inv)
	if err != nil {
		return m, fmt.Errorf("inventory of %s: %w", m.Name, err)
	}
	m.Dirs = append([]ignition.Dir{{Path: stateDir, Mode: 0o700, Stage: ignition.Joined}}, m.Dirs...)
	m.Files = append(m.Files[:len(m.Files):len(m.Files)], ignition.File{Path: inventoryPath, Mode: 0o600, Content: text, Stage: ignition.Joined})
	return m, nil
}

// NodePatches make the objects of nodes that have just registered what the
// spec says, by name, for kubectl patch. Their kubelets give them their taints.
func NodePatches(c *cluster.Cluster) (map[string][]byte, error) {
	patches := map[string][]byte{}
	for i := range c.Nodes {
		n := &c.Nodes[i]
		fresh := &corev1.Node{}
		for _, t := range c.TaintsOf(n) {
			fresh.Spec.Taints = append(fresh.Spec.Taints, corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)})
		}
		patch, err := nodePatch(c, n, fresh)
		if err != nil {
			return nil, err
		}
		patches[n.Name] = patch
	}
	return patches, nil
}
