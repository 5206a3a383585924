package cmd

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/internal/atomicfile"
	"github.com/kbm-dev/kbm/internal/ui"
)

func newAddonsCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "addons",
		Short: "List and render what runs in the cluster as Kubernetes objects",
		Long: `Addons are what kbm up applies to the cluster once the API server answers: the
pods' network, Services, DNS, … Each is rendered from cluster.yaml; no cluster is
needed to look at them.`,
		Example: `  kbm addons list
  kbm addons render coredns`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommand,
	}
	c.AddCommand(newAddonsListCommand(a), newAddonsRenderCommand(a))
	return c
}

// listedAddon is an addon as -o json shows it.
type listedAddon struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Objects     int      `json:"objects"`
	Images      []string `json:"images"`
}

func newAddonsListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the addons of the cluster, in the order in which they are applied",
		Example: `  kbm addons list -o json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := a.addons(nil)
			if err != nil {
				return err
			}
			listed, rows := []listedAddon{}, [][]string{}
			for _, addon := range all {
				images := addon.Images()
				listed = append(listed, listedAddon{addon.Name, addon.Description, len(addon.Objects), images})
				rows = append(rows, []string{addon.Name, strconv.Itoa(len(addon.Objects)), strings.Join(images, " "), addon.Description})
			}
			if a.isJSON() {
				return a.answer(listed)
			}
			return ui.Table(a.out, []string{"NAME", "OBJECTS", "IMAGES", "WHAT IT IS"}, rows)
		},
	}
}

func newAddonsRenderCommand(a *app) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "render [NAME…]",
		Short: "Write the manifests that kbm up applies, for the named addons or for all",
		Example: `  kbm addons render coredns
  kbm addons render --out manifests`,
		RunE: func(_ *cobra.Command, names []string) error { return a.renderAddons(names, out) },
	}
	c.Flags().StringVar(&out, "out", "", "folder for one file an addon, instead of standard output")
	return c
}

func (a *app) renderAddons(names []string, out string) error {
	all, err := a.addons(names)
	if err != nil {
		return err
	}
	var files atomicfile.Batch
	written := []string{}
	for _, addon := range all {
		text, err := addon.YAML()
		if err != nil {
			return err
		}
		if out == "" {
			if _, err := a.out.Write(text); err != nil {
				return err
			}
			continue
		}
		path := filepath.Join(out, addon.Name+".yaml")
		files.Add(path, text, 0o644)
		written = append(written, path)
	}
	if out == "" {
		return nil
	}
	if err := files.Commit(); err != nil {
		return err
	}
	for _, path := range written {
		a.say("rendered %s", path)
	}
	return a.answer(written)
}

// addons renders those of the names; none stands for all.
func (a *app) addons(names []string) ([]addons.Addon, error) {
	c, err := a.spec()
	if err != nil {
		return nil, err
	}
	all, err := addons.Render(c, addons.Review{Dir: c.Dir})
	if err != nil {
		return nil, err
	}
	known := []string{}
	for _, addon := range all {
		known = append(known, addon.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, usageError(fmt.Errorf("%q is not an addon of this cluster; there are %s", name, strings.Join(known, ", ")))
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(addon addons.Addon) bool { return !slices.Contains(names, addon.Name) }), nil
}
