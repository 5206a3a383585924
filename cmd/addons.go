package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/cluster"
)

func newAddonsCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "addons",
		Short: "Look at, apply and remove what runs in the cluster as Kubernetes objects",
		Long: `Addons are what kbm up applies to the cluster once the API server answers: the
pods' network, Services, DNS, and whatever the section addons of cluster.yaml
turns on. Each is rendered from cluster.yaml; list, render and explain need no
cluster.`,
		Example: `  kbm addons list
  kbm addons explain ingress
  kbm addons render coredns
  kbm addons apply ingress certs`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommand,
	}
	c.AddCommand(
		newAddonsListCommand(a), newAddonsExplainCommand(a), newAddonsRenderCommand(a),
		newAddonsDiffCommand(a), newAddonsApplyCommand(a), newAddonsRemoveCommand(a),
	)
	return c
}

// addons renders those of the names for review, without a secret; none stands
// for all.
func (a *app) addons(names []string) ([]addons.Addon, error) {
	c, err := a.spec()
	if err != nil {
		return nil, err
	}
	if err := checkAddonNames(c, names); err != nil {
		return nil, err
	}
	all, err := addons.Render(c, addons.Review{Dir: c.Dir})
	if err != nil {
		return nil, usageError(err)
	}
	return slices.DeleteFunc(all, func(addon addons.Addon) bool {
		return len(names) > 0 && !slices.Contains(names, addon.Name)
	}), nil
}

// checkAddonNames refuses what is not an addon of the cluster.
func checkAddonNames(c *cluster.Cluster, names []string) error {
	entries, err := addons.Catalog()
	if err != nil {
		return err
	}
	known := []string{}
	for _, e := range entries {
		if !e.Optional || slices.Contains(c.Addons.Enabled(), e.Name) {
			known = append(known, e.Name)
		}
	}
	for _, name := range names {
		switch {
		case slices.Contains(known, name):
		case slices.Contains(cluster.OptionalAddons(), name):
			return usageError(fmt.Errorf("addon %s is off; add %s to cluster.yaml (kbm addons explain %s)", name, cluster.AddonSection(name), name))
		default:
			return usageError(fmt.Errorf("%q is not an addon of this cluster; there are %s", name, strings.Join(known, ", ")))
		}
	}
	return nil
}

// completeAddons offers the names of addons that are not yet on the line.
func completeAddons(optional bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		names := []cobra.Completion{}
		entries, err := addons.Catalog()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		for _, e := range entries {
			if !slices.Contains(args, e.Name) && (e.Optional || !optional) {
				names = append(names, cobra.CompletionWithDesc(e.Name, e.Description))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
