package cmd

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/ui"
)

// bundleFlags choose one bundle: what is not said comes from cluster.yaml where
// there is one, and from kbm's defaults otherwise.
type bundleFlags struct {
	folder, kubernetes, arch string
	mirrors                  bundle.Mirrors // of cluster.yaml
}

func newBundleCommand(a *app) *cobra.Command {
	var f bundleFlags
	c := &cobra.Command{
		Use:   "bundle",
		Short: "Get, check and carry the binaries and images that clusters run",
		Long: `The bundle is a folder with every binary and image that a cluster runs, each with
its version and sha256. kbm sends them to the nodes, which need no registry.
Build makes it from source, pull fetches it from upstream's releases; pack makes
one file of it, to be carried to where there is no Internet, and unpack a folder.

It lives in $KBM_CACHE or the user's cache folder, one folder for each version of
Kubernetes and architecture. In a cluster's folder these commands follow its
cluster.yaml (kubernetes.version, bundle.dir).`,
		Example: `  kbm bundle build
  kbm bundle pull
  kbm bundle verify
  kbm bundle pack bundle.tar.zst`,
	}
	p := c.PersistentFlags()
	p.StringVar(&f.folder, "folder", "", "the bundle's folder")
	p.StringVar(&f.kubernetes, "kubernetes", "", "version of Kubernetes: "+strings.Join(bundle.Supported(), ", "))
	p.StringVar(&f.arch, "arch", runtime.GOARCH, "architecture of the nodes: amd64 or arm64")
	c.AddCommand(newBundleBuildCommand(a, &f), newBundlePullCommand(a, &f), newBundleVerifyCommand(a, &f),
		newBundleListCommand(a, &f), newBundlePathCommand(a, &f), newBundlePackCommand(a, &f), newBundleUnpackCommand(a, &f))
	return c
}

// complete fills in what was not said.
func (f *bundleFlags) complete(clusterDir string) error {
	if _, err := os.Stat(filepath.Join(clusterDir, cluster.File)); err == nil {
		c, err := cluster.Load(clusterDir)
		if err != nil {
			return usageError(err)
		}
		f.folder = cmp.Or(f.folder, c.BundleDir())
		f.kubernetes = cmp.Or(f.kubernetes, c.Kubernetes.Version)
		f.mirrors = c.Bundle.Mirrors
	}
	f.kubernetes = cmp.Or(f.kubernetes, bundle.DefaultKubernetes)
	if f.arch != "amd64" && f.arch != "arm64" {
		return usageError(fmt.Errorf("--arch %q is not one of nodes: it is amd64 or arm64", f.arch))
	}
	if f.folder != "" {
		return nil
	}
	var err error
	f.folder, err = bundle.DefaultDir(f.kubernetes, f.arch)
	return err
}

func (f *bundleFlags) open(clusterDir string) (*bundle.Bundle, error) {
	if err := f.complete(clusterDir); err != nil {
		return nil, err
	}
	b, err := bundle.Open(f.folder)
	return b, usageErrorOf(err)
}

func usageErrorOf(err error) error {
	if err == nil {
		return nil
	}
	return usageError(err)
}

func newBundleVerifyCommand(a *app, f *bundleFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "verify [NAME]...",
		Short: "Hash every artefact and compare it with the manifest and the lock",
		Example: `  kbm bundle verify
  kbm bundle verify kubelet kube-apiserver`,
		RunE: func(cmd *cobra.Command, names []string) error {
			b, err := f.open(a.dir)
			if err != nil {
				return err
			}
			for _, name := range names {
				if _, err := findArtefact(b, name); err != nil {
					return err
				}
			}
			pinned, err := b.VerifyPins(names...)
			if err := errors.Join(b.Verify(cmd.Context(), names...), err); err != nil {
				return err
			}
			count := len(names)
			if count == 0 {
				count = len(b.Manifest().Artefacts)
			}
			if a.output == "json" {
				return json.NewEncoder(a.out).Encode(map[string]any{"folder": b.Dir(), "verified": count, "pinned": pinned})
			}
			if a.quiet {
				return nil
			}
			also := ""
			if pinned > 0 {
				also = fmt.Sprintf(" Pulled and pinned in bundle.lock: %d.", pinned)
			}
			_, err = fmt.Fprintf(a.out, "Verified in %s: %d; all are what the manifest says.%s\n", b.Dir(), count, also)
			return err
		},
	}
}

func newBundleListCommand(a *app, f *bundleFlags) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List what the bundle holds",
		Example: `  kbm bundle list
  kbm bundle list --all --kubernetes v1.36.4
  kbm bundle list -o json`,
		Args: exactly(0, "kbm bundle list takes no argument"),
		RunE: func(*cobra.Command, []string) error {
			m, err := f.manifest(a.dir, all)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(a.out).Encode(m)
			}
			var rows [][]string
			for _, x := range m.Artefacts {
				rows = append(rows, []string{x.Name, string(x.Group), string(x.Kind), x.Version, megabytes(x.Size), cmp.Or(x.Image, x.Path)})
			}
			return ui.Table(a.out, []string{"NAME", "GROUP", "KIND", "VERSION", "SIZE", "IMAGE OR PATH"}, rows)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "also what could be built and is not there yet")
	return c
}

// manifest is that of the bundle; with all it has what is not built as well.
func (f *bundleFlags) manifest(clusterDir string, all bool) (bundle.Manifest, error) {
	b, err := f.open(clusterDir)
	if err == nil && !all {
		return b.Manifest(), nil
	}
	if err != nil && (!all || !errors.Is(err, fs.ErrNotExist)) {
		return bundle.Manifest{}, err
	}
	m := bundle.Manifest{Kubernetes: f.kubernetes, OS: "linux", Arch: f.arch}
	if m.Artefacts, err = bundle.Known(f.kubernetes); err != nil || b == nil {
		return m, usageErrorOf(err)
	}
	for i, known := range m.Artefacts {
		if there, ok := b.Find(known.Name); ok {
			m.Artefacts[i] = there
		}
	}
	return m, nil
}

func newBundlePathCommand(a *app, f *bundleFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "path [NAME]",
		Short:   "Print the bundle's folder, or the file of an artefact",
		Example: `  "$(kbm bundle path kubectl)" --kubeconfig kubeconfig get nodes`,
		Args:    atMost(1, "kbm bundle path takes one name; without any it prints the folder"),
		RunE: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				if err := f.complete(a.dir); err != nil {
					return err
				}
				return a.printPath(f.folder)
			}
			b, err := f.open(a.dir)
			if err != nil {
				return err
			}
			found, err := findArtefact(b, names[0])
			if err != nil {
				return err
			}
			return a.printPath(b.File(found))
		},
	}
}

func findArtefact(b *bundle.Bundle, name string) (bundle.Artefact, error) {
	found, ok := b.Find(name)
	if !ok {
		return found, usageError(fmt.Errorf("the bundle in %s has no artefact %q: `kbm bundle list` has the names", b.Dir(), name))
	}
	return found, nil
}

func (a *app) printPath(path string) error {
	if a.output == "json" {
		return json.NewEncoder(a.out).Encode(map[string]string{"path": path})
	}
	_, err := fmt.Fprintln(a.out, path)
	return err
}

func megabytes(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
