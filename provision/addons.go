package provision

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kbm-dev/kbm/addons"
)

const addonDeadline = 10 * time.Minute

// applyAddons applies what differs. Without a difference it asks nothing.
func (r *run) applyAddons(ctx context.Context) (err error) {
	if r.engine == nil {
		if r.engine, err = addons.New(r.api); err != nil {
			return err
		}
	}
	if !r.fresh && !changed(r.changes) {
		return nil
	}
	r.report("", "addons", Started, "")
	_, err = r.engine.Apply(ctx, r.addons, r.addonProgress)
	return err
}

func (r *run) addonProgress(addon, what string) {
	r.report("addon "+addon, what, Working, "")
}

// waitReady waits for the named conditions that make a cluster a working one.
func waitReady(ctx context.Context, r *run) error {
	r.idle = r.plan().Empty()
	var g errgroup.Group
	g.Go(func() error { return r.waitNodes(ctx) })
	g.Go(func() error {
		ctx, cancel := context.WithTimeout(ctx, addonDeadline)
		defer cancel()
		return r.engine.Wait(ctx, r.addons, r.addonProgress)
	})
	return g.Wait()
}
