package cmd

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/provision"
)

func newAddonsDiffCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "diff [NAME…]",
		Short: "Show what kbm addons apply would do, for the named addons or for all",
		Long: `Show what kbm addons apply would do, and change nothing. It ends with 0 when
there is nothing to do, and with 3 when there is. No machine is looked at: kbm
diff compares those too.`,
		Example: `  kbm addons diff
  kbm addons diff ingress -o json`,
		RunE:              func(cmd *cobra.Command, names []string) error { return a.diffAddons(cmd.Context(), names) },
		ValidArgsFunction: completeAddons(false),
	}
}

func newAddonsApplyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "apply [NAME…]",
		Short: "Apply the named addons, or all, and wait until they are ready",
		Long: `Apply the named addons, or all, to a cluster that runs, remove what they no
longer hold, and wait until they are ready. No machine is changed: images, and
what an ingress needs on its nodes, come with kbm up.`,
		Example: `  kbm addons apply
  kbm addons apply ingress certs`,
		RunE:              func(cmd *cobra.Command, names []string) error { return a.applyAddons(cmd.Context(), names) },
		ValidArgsFunction: completeAddons(false),
	}
}

func (a *app) diffAddons(ctx context.Context, names []string) error {
	s, err := a.load(ctx, opening{addons: true, names: names, readOnly: true})
	if err != nil {
		return err
	}
	plan, err := s.runAddons(ctx, provision.DiffAddons(names...))
	if err != nil {
		return err
	}
	if a.isJSON() {
		if err := a.result(changesOf(plan)); err != nil {
			return err
		}
	} else if err := printPlan(a.out, plan); err != nil {
		return err
	}
	if plan.Empty() {
		return nil
	}
	return withCode(exitChanges, errSilent)
}

func (a *app) applyAddons(ctx context.Context, names []string) error {
	start := time.Now()
	s, err := a.load(ctx, opening{addons: true, names: names})
	if err != nil {
		return err
	}
	plan, err := s.runAddons(ctx, provision.ApplyAddons(names...))
	if err != nil {
		return err
	}
	which, took := "all addons", time.Since(start).Seconds()
	if len(names) > 0 {
		which = strings.Join(names, ", ")
	}
	if plan.Empty() {
		a.say("Nothing to do: %s as the spec says, and ready (%.1fs).", which, took)
	} else {
		a.say("Ready: %s, %s (%.1fs).", which, count(len(changesOf(plan)), "change"), took)
	}
	return a.result(map[string]any{"result": "ready", "changed": !plan.Empty(), "changes": changesOf(plan), "seconds": took})
}

// changesOf are the objects of a plan that differ.
func changesOf(plan provision.Plan) []addons.Change {
	changes := []addons.Change{}
	for _, c := range plan.Objects {
		if c.Action.Changes() {
			changes = append(changes, c)
		}
	}
	return changes
}
