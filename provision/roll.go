package provision

import (
	"context"
	"slices"
)

// rollControllers brings the controllers of a cluster that runs to the spec's
// state. What works keeps working: what is broken is mended first, then one
// controller after the other is touched, the holder of the virtual address
// last, and then the new ones join, one by one.
func (r *run) rollControllers(ctx context.Context) error {
	members, joiners := split(r.controllers(), func(m *machine) bool { return m.etcd.data })
	_, changed := split(members, func(m *machine) bool { return m.plan.Empty() })
	if len(changed)+len(joiners) > 0 {
		if err := r.rollMembers(ctx, members); err != nil {
			return err
		}
	}
	for _, m := range joiners {
		if err := r.joinEtcd(ctx, m); err != nil {
			return err
		}
		if err := r.applyController(ctx, m); err != nil {
			return err
		}
	}
	if r.api == nil {
		return r.waitAPI(ctx, r.controllers()[0])
	}
	return nil
}

// rollMembers ends when every member runs as the spec says: only then may
// another one join.
func (r *run) rollMembers(ctx context.Context, members []*machine) error {
	well, sick, err := r.examine(ctx, members)
	if err != nil {
		return err
	}
	if len(well) == 0 {
		// Nothing serves, so nothing is to be spared, and no member comes up alone.
		if err := together(ctx, len(sick), sick, r.apply); err != nil {
			return err
		}
	}
	// With an empty plan there is nothing to apply, but there may be something
	// to wait for: an interrupted run left it.
	same, changed := split(well, func(m *machine) bool { return m.plan.Empty() })
	for _, m := range slices.Concat(sick, same) {
		if err := r.applyController(ctx, m); err != nil {
			return err
		}
	}
	holder, err := r.vipHolder(ctx)
	if err != nil {
		return err
	}
	last, first := split(changed, func(m *machine) bool { return m.node.Name == holder })
	for _, m := range slices.Concat(first, last) {
		if err := r.moveVIP(ctx, m, members); err != nil {
			return err
		}
		if err := r.applyController(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// examine tells the members that serve from those that do not.
func (r *run) examine(ctx context.Context, members []*machine) (well, sick []*machine, err error) {
	healthy := make([]bool, len(members))
	_ = r.each(ctx, members, func(ctx context.Context, m *machine) error { // the answers are in healthy
		healthy[slices.Index(members, m)] = m.etcdRuns() && r.etcdHealth(ctx, m) == nil
		return nil
	})
	for i, m := range members {
		if err := r.connectAPI(m); err != nil {
			return nil, nil, err
		}
		if healthy[i] && r.ready(ctx) == nil {
			well = append(well, m)
		} else {
			sick = append(sick, m)
		}
	}
	return well, sick, nil
}

// applyController brings one controller to its state and waits until it serves
// again, so that the next one may be touched.
func (r *run) applyController(ctx context.Context, m *machine) error {
	if err := r.apply(ctx, m); err != nil {
		return err
	}
	if err := r.waitEtcd(ctx, m); err != nil {
		return err
	}
	return r.waitPods(ctx, m)
}

func split(machines []*machine, first func(*machine) bool) (yes, no []*machine) {
	for _, m := range machines {
		if first(m) {
			yes = append(yes, m)
		} else {
			no = append(no, m)
		}
	}
	return yes, no
}
