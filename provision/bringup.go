package provision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kbm-dev/kbm/ignition"
)

const (
	containerdUnit = "containerd.service"
	imagesUnit     = "kbm-images.service"
	kubeletUnit    = "kubelet.service"
)

// bringUpControllers makes the controllers what they shall be. A cluster that
// is being born starts all of them at once: etcd's members wait for each other.
// A cluster that runs is touched one controller at a time, and the next one only
// when the last one serves again.
func bringUpControllers(ctx context.Context, r *run) error {
	if !r.born {
		return r.rollControllers(ctx)
	}
	// The other machines get ready meanwhile, all but their kubelets: those ask
	// for an API server in ever longer intervals, so they start when it answers.
	var g errgroup.Group
	g.Go(func() error { return r.each(ctx, r.others(), r.prepare) })
	g.Go(func() error {
		if err := together(ctx, len(r.controllers()), r.controllers(), r.apply); err != nil {
			return err
		}
		return r.waitAPI(ctx, r.controllers()[0], rolesPending)
	})
	return g.Wait()
}

// bringUpNodes starts the kubelets of all other machines while the addons are
// applied. These may wait for pods of theirs, and the pods for labels of nodes.
func bringUpNodes(ctx context.Context, r *run) error {
	r.idle = r.plan().Empty()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := r.each(ctx, r.others(), r.apply); err != nil {
			return err
		}
		return r.waitNodes(ctx)
	})
	g.Go(func() error { return r.applyAddons(ctx) })
	return g.Wait()
}

// prepare brings a machine to the point where only its kubelet is missing.
func (r *run) prepare(ctx context.Context, m *machine) error {
	return r.applyUnits(ctx, m, slices.DeleteFunc(m.plan.Units(), func(unit string) bool { return unit == kubeletUnit }))
}

func (r *run) apply(ctx context.Context, m *machine) error {
	return r.applyUnits(ctx, m, m.plan.Units())
}

// applyUnits writes what differs, once in a run, and then starts the units.
func (r *run) applyUnits(ctx context.Context, m *machine, units []string) error {
	if m.plan.Empty() {
		return nil
	}
	r.report(m.node.Name, "write and start", Started, "")
	if !m.written {
		if err := ApplyFiles(ctx, m.host, &m.plan); err != nil {
			return err
		}
		m.written = true
	}
	if err := r.raiseFirewall(ctx, m); err != nil {
		return err
	}
	units = slices.DeleteFunc(units, func(unit string) bool { return unit == ignition.FirewallUnit })
	if len(units) > 0 {
		if err := ApplyUnits(ctx, m.host, &m.plan, units...); err != nil {
			return err
		}
	}
	r.report(m.node.Name, "write and start", Done, fmt.Sprintf("%d changes", len(m.plan.Changes)))
	return nil
}

// loadImages puts the artefacts in place and loads the images, so that a later
// `kbm up` finds them.
func loadImages(ctx context.Context, r *run) error {
	return r.each(ctx, r.nodes, func(ctx context.Context, m *machine) error {
		m.plan = m.plan.staged()
		return r.apply(ctx, m)
	})
}

// shortly bounds a command on a machine that has no reason to take long.
func shortly(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 30*time.Second)
}
