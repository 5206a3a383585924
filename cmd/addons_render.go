package cmd

import (
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/internal/atomicfile"
)

func newAddonsRenderCommand(a *app) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "render [NAME…]",
		Short: "Write the manifests that kbm up applies, for the named addons or for all",
		Long: `Write the manifests that kbm up applies, for people to read. In the place of
every secret stands where its value comes from.`,
		Example: `  kbm addons render coredns
  kbm addons render --out manifests`,
		RunE:              func(_ *cobra.Command, names []string) error { return a.renderAddons(names, out) },
		ValidArgsFunction: completeAddons(false),
	}
	c.Flags().StringVar(&out, "out", "", "folder for one file an addon, instead of standard output")
	return c
}

func (a *app) renderAddons(names []string, out string) error {
	all, err := a.addons(names)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, hasSecret) {
		a.note("no secret is written: in its place stands where the value comes from")
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

func hasSecret(addon addons.Addon) bool {
	return slices.ContainsFunc(addon.Objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Secret" })
}
