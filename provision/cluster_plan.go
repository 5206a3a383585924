package provision

import (
	"slices"

	"github.com/kbm-dev/kbm/addons"
)

// Plan is everything that a run would do, as `kbm diff` shows it.
type Plan struct {
	Nodes []NodePlan
	// Fresh is true when no API server answered: every object is to be made.
	Fresh   bool
	Objects []addons.Change
	// NodeObjects names the nodes whose labels or taints are to be set.
	NodeObjects []string
}

// Empty is true when there is nothing to do.
func (p Plan) Empty() bool {
	for i := range p.Nodes {
		if !p.Nodes[i].Empty() {
			return false
		}
	}
	return !p.Fresh && !changed(p.Objects) && len(p.NodeObjects) == 0
}

func changed(objects []addons.Change) bool {
	return slices.ContainsFunc(objects, func(c addons.Change) bool { return c.Action.Changes() })
}

func (r *run) plan() Plan {
	p := Plan{Fresh: r.fresh, Objects: r.changes, NodeObjects: r.objects}
	for _, m := range r.nodes {
		p.Nodes = append(p.Nodes, m.plan)
	}
	return p
}
