package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/provision"
)

func newAddonsRemoveCommand(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "remove NAME…",
		Short: "Delete everything that kbm has made for the named addons",
		Long: `Delete everything that kbm has made in the cluster for the named addons, and
nothing else: a namespace or a kind of object that others use stays. Take the
section out of cluster.yaml too, or the next kbm up brings the addon back.`,
		Example: `  kbm addons remove dns
  kbm addons remove ingress certs --yes`,
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.removeAddons(cmd.Context(), names, yes)
		},
		ValidArgsFunction: completeAddons(true),
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (a *app) removeAddons(ctx context.Context, names []string, yes bool) error {
	if err := checkRemovable(names); err != nil {
		return err
	}
	s, err := a.peek(ctx)
	if err != nil {
		return err
	}
	if !yes {
		sure, err := ui.Prompt{In: a.in, Out: a.err}.Confirm(ctx, ui.Question{
			Text:      fmt.Sprintf("Delete everything that kbm has made for %s in cluster %s?", strings.Join(names, " and "), s.cluster.Name),
			Otherwise: "pass --yes",
		})
		if err != nil {
			return usageError(err)
		}
		if !sure {
			a.say("Nothing was deleted.")
			return nil
		}
	}
	plan, err := s.runAddons(ctx, provision.RemoveAddons(names...))
	if err != nil {
		return err
	}
	a.sayRemoved(names, plan)
	for _, name := range names {
		if slices.Contains(s.cluster.Addons.Enabled(), name) {
			a.note("the next kbm up brings %s back: take %s out of cluster.yaml", name, cluster.AddonSection(name))
		}
	}
	return a.result(map[string]any{"result": "removed", "changes": plan.Objects})
}

func (a *app) sayRemoved(names []string, plan provision.Plan) {
	if deleted := changesOf(plan); len(deleted) > 0 {
		a.say("Removed %s: %s.", strings.Join(names, ", "), count(len(deleted), "object"))
	} else {
		a.say("Nothing to do: kbm has made nothing for %s.", strings.Join(names, ", "))
	}
	for _, c := range plan.Objects {
		if c.Action == addons.Keep {
			a.say("kept %s: %s", c.Object, c.Note)
		}
	}
}

// checkRemovable refuses the addons that no cluster can do without.
func checkRemovable(names []string) error {
	optional := cluster.OptionalAddons()
	if len(names) == 0 {
		return usageError(errors.New("name what to remove: " + strings.Join(optional, ", ")))
	}
	entries, err := addons.Catalog()
	if err != nil {
		return err
	}
	for _, name := range names {
		switch {
		case slices.Contains(optional, name):
		case slices.ContainsFunc(entries, func(e addons.Entry) bool { return e.Name == name }):
			return usageError(fmt.Errorf("addon %s cannot be removed: no cluster works without it; these can: %s", name, strings.Join(optional, ", ")))
		default:
			return usageError(fmt.Errorf("%q is not an addon; there are %s", name, strings.Join(optional, ", ")))
		}
	}
	return nil
}
