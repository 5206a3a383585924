package provision

import (
	"context"
	"fmt"
	"slices"
)

// rollControllers brings the controllers of a cluster that runs to the spec's
// state. What works keeps working: what is broken is mended first, then one
// controller after the other is touched, the holder of the virtual address
// last, and then the new ones join, one by one.
func (r *run) rollControllers(ctx context.Context) error {
	members, joiners := split(r.controllers(), func(m *machine) bool { return m.etcd.data })
	if slices.ContainsFunc(r.controllers(), func(m *machine) bool { return !m.plan.Empty() || !m.etcd.data }) {
		if err := r.rollMembers(ctx, members); err != nil {
			return err
		}
	}
	if len(joiners) > 0 {
		if err := r.waitElections(ctx); err != nil {
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

func (r *run) rollMembers(ctx context.Context, members []*machine) error {
	healthy := make([]bool, len(members))
	_ = r.each(ctx, members, func(ctx context.Context, m *machine) error { // the answers are in healthy
		healthy[slices.Index(members, m)] = r.etcdHealth(ctx, m) == nil
		return nil
	})
	well, sick := split(members, func(m *machine) bool { return healthy[slices.Index(members, m)] })
	if len(well) == 0 {
		// Nothing serves, so nothing is to be spared, and no member comes up alone.
		if err := together(ctx, len(sick), sick, r.apply); err != nil {
			return err
		}
	}
	for _, m := range sick {
		if err := r.applyController(ctx, m); err != nil {
			return err
		}
	}
	if err := r.connectReady(ctx, members); err != nil {
		return err
	}
	holder, err := r.vipHolder(ctx)
	if err != nil {
		return err
	}
	last, others := split(well, func(m *machine) bool { return m.node.Name == holder })
	for _, m := range slices.Concat(others, last) {
		if m.plan.Empty() {
			continue
		}
		if err := r.moveVIP(ctx, m, members); err != nil {
			return err
		}
		if err := r.applyController(ctx, m); err != nil {
			return err
		}
	}
	return nil
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
	return r.waitAPI(ctx, m)
}

// connectReady turns to the first controller whose API server is ready. Where
// none is, it waits for the first one's.
func (r *run) connectReady(ctx context.Context, controllers []*machine) error {
	for _, m := range controllers {
		if err := r.connectAPI(m); err != nil {
			return err
		}
		if r.ready(ctx) == nil {
			return nil
		}
	}
	if len(controllers) == 0 {
		return fmt.Errorf("no controller holds etcd's data")
	}
	return r.waitAPI(ctx, controllers[0])
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
