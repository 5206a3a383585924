package provision

import (
	"context"
	"fmt"

	"github.com/kbm-dev/kbm/addons"
)

// The steps below are for a cluster that runs: they look at no machine, and
// speak to the API server through whichever controller can be reached. Names
// limit them to some addons; none stands for all.

// DiffAddons finds out what ApplyAddons would do. It changes nothing.
func DiffAddons(names ...string) []Step {
	return []Step{
		{"connect", connectControllers},
		{"reach the API server", reachAPI},
		{"compare the objects", compareAddons(names)},
	}
}

// ApplyAddons applies the addons, and waits until they are ready.
func ApplyAddons(names ...string) []Step {
	return []Step{
		{"connect", connectControllers},
		{"lock", lockControllers},
		{"reach the API server", reachAPI},
		{"compare the objects", compareAddons(names)},
		{"apply the addons", applyOnly(names)},
		{"wait until ready", waitOnly(names)},
	}
}

// RemoveAddons deletes everything that kbm has made for the named addons.
func RemoveAddons(names ...string) []Step {
	return []Step{
		{"connect", connectControllers},
		{"lock", lockControllers},
		{"reach the API server", reachAPI},
		{"remove the addons", removeOnly(names)},
	}
}

// connectControllers is content with one of them: the others may be down.
func connectControllers(ctx context.Context, r *run) error {
	r.tryEach(ctx, r.controllers(), func(ctx context.Context, m *machine) error { return connectOne(ctx, r, m) })
	if len(r.reached()) == 0 {
		return untouched(r.controllers())
	}
	for _, m := range r.controllers() {
		if m.fault != nil {
			r.report(m.node.Name, "connect", Warned, brief(m.fault))
		}
	}
	return nil
}

// reached are the controllers that there is a connection to.
func (r *run) reached() []*machine {
	yes, _ := split(r.controllers(), func(m *machine) bool { return m.host != nil && m.fault == nil })
	return yes
}

// lockControllers keeps kbm up away, which locks every machine.
func lockControllers(ctx context.Context, r *run) error {
	machines := r.reached()
	r.acquire(ctx, machines)
	return untouched(machines)
}

// untouched is the faults of machines, before anything was changed.
func untouched(machines []*machine) error {
	var errs []error
	for _, m := range machines {
		errs = append(errs, m.fault)
	}
	if all := flat(errs); len(all) > 0 {
		return &Faults{All: all, Untouched: true}
	}
	return nil
}

func reachAPI(ctx context.Context, r *run) (err error) {
	if said := r.findAPI(ctx); said != "ok" {
		return fmt.Errorf("no API server answers (%s): kbm up brings the cluster up", said)
	}
	r.engine, err = addons.New(r.api)
	return err
}

func compareAddons(names []string) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) (err error) {
		r.changes, err = r.engine.Plan(ctx, r.Addons, names...)
		return err
	}
}

func applyOnly(names []string) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		if !changed(r.changes) {
			return nil
		}
		return r.applyChanges(ctx, names...)
	}
}

func waitOnly(names []string) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		ctx, cancel := context.WithTimeout(ctx, addonDeadline)
		defer cancel()
		return r.engine.Wait(ctx, r.Addons, r.addonProgress, names...)
	}
}

func removeOnly(names []string) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) (err error) {
		ctx, cancel := context.WithTimeout(ctx, addonDeadline)
		defer cancel()
		r.changes, err = r.engine.Remove(ctx, names, r.addonProgress)
		return err
	}
}
