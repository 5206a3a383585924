package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
)

func newRenderCommand(a *app) *cobra.Command {
	var out, liveISO string
	var embed embedFlags
	c := &cobra.Command{
		Use:   "render [NODE…]",
		Short: "Render boot media again, after an edit",
		Long: `Render build/NODE/ again from cluster.yaml and nodes/*.yaml, for the named nodes
or for all, and issue the certificates that are missing or no longer fit. What
is as it should be stays byte for byte, except what is encrypted, since that
differs each time. Nothing else is touched, and no machine is reached.

Where cluster.yaml sets secrets.recipients, only encrypted media lie in the
folder; --out writes the plain medium of one node somewhere else.

For each kind of machine it says what to do with the file. --live-iso puts the
configuration of a node with media: fcos-live-iso into Fedora CoreOS's live ISO.

--embed-secrets puts the node's certificates and keys, and on a controller those
of the whole cluster, on the medium too, with everything but binaries and
images; --embed-bundle puts those there. With both, machines that are switched
on make the cluster by themselves. The next kbm render without the flags makes
media without secrets again.`,
		Example: `  kbm render
  kbm render w1 w2
  kbm render w1 --out /tmp/w1.iso
  kbm render --embed-secrets --embed-bundle
  kbm render w2 --live-iso fedora-coreos-live.iso --out w2-live.iso`,
		RunE: func(cmd *cobra.Command, names []string) error {
			switch {
			case cmd.Flags().Changed("out"):
				return a.renderOut(cmd.Context(), names, outOptions{file: out, liveISO: liveISO, embed: embed})
			case cmd.Flags().Changed("live-iso"):
				return usageError(errors.New("--live-iso needs --out FILE, for the copy with the configuration in it"))
			}
			return a.render(cmd.Context(), names, embed)
		},
		ValidArgsFunction: a.completeNodes,
	}
	c.Flags().StringVar(&out, "out", "", "file for the plain medium of one node, outside the cluster's folder")
	c.Flags().StringVar(&liveISO, "live-iso", "", "Fedora CoreOS's live ISO, of which --out becomes a copy with the node's configuration in it")
	embed.add(c)
	return c
}

func (a *app) render(ctx context.Context, names []string, embed embedFlags) error {
	c, err := a.spec()
	if err != nil {
		return err
	}
	if names, err = chosen(c, names); err != nil {
		return usageError(err)
	}
	r, err := a.newRenderer(ctx, c)
	if err != nil {
		return err
	}
	defer r.drop()
	if err := embed.sealable(c); err != nil {
		return err
	}
	if err := embed.apply(a, r); err != nil {
		return err
	}
	result, err := r.render(ctx, names)
	if err != nil {
		return err
	}
	if err := r.commit(); err != nil {
		return err
	}
	r.shown.close()
	a.sayRendered(result)
	embed.warn(a, c, result.Nodes)
	return a.answer(result)
}

func (a *app) sayRendered(result renderResult) {
	for _, change := range result.Issued {
		a.say("%s: %s", change.Path, change.Why)
	}
	changed := map[string]bool{}
	for _, path := range result.Changed {
		changed[filepath.Base(filepath.Dir(path))] = true
	}
	for _, n := range result.Nodes {
		switch {
		case n.Medium == "":
			a.say("%s: adopted, so it needs no medium", n.Name)
		case changed[n.Name]:
			a.say("%s: rendered %s", n.Name, n.Medium)
		default:
			a.say("%s: nothing to do", n.Name)
		}
	}
	a.saySteps(result.Nodes)
	if len(result.Nodes) == 0 {
		a.say("there is no node yet; add one with kbm %sadd-node", a.dirFlag())
	}
}

// chosen checks names of nodes; none stands for all.
func chosen(c *cluster.Cluster, names []string) ([]string, error) {
	if len(names) == 0 {
		return c.NodeNames(), nil
	}
	seen, unique := map[string]bool{}, []string{}
	for _, name := range names {
		if _, ok := c.Node(name); !ok {
			return nil, fmt.Errorf("%q is not a node of this cluster; %s", name, known(c))
		}
		if !seen[name] {
			unique = append(unique, name)
		}
		seen[name] = true
	}
	return unique, nil
}

func known(c *cluster.Cluster) string {
	const most = 10
	names := c.NodeNames()
	switch {
	case len(names) == 0:
		return "there is none yet: add one with kbm add-node"
	case len(names) > most:
		return fmt.Sprintf("there are %s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "there are " + strings.Join(names, ", ")
}
