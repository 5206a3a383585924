package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/atomicfile"
)

func newMediaStickCommand(a *app) *cobra.Command {
	var out string
	var embed embedFlags
	c := &cobra.Command{
		Use:   "stick [NODE…] --out FILE",
		Short: "Make one medium for many machines",
		Long: `Make one ISO for the named nodes, or for all: each machine that reads it knows
by its MAC address (mac, or bond.interfaces) or serial number (serial) which of
them it is. That can be done for machines that read cloud-init's NoCloud or
coreos-cloudinit; Ignition cannot choose.

It holds the SSH host keys of all of these machines: whoever reads it can pass
for any of them. Keep it as you keep keys, and erase it after use.`,
		Example: `  kbm media stick --out stick.iso
  kbm media stick w1 w2 w3 --out workers.iso`,
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.mediaStick(cmd.Context(), names, out, embed)
		},
		ValidArgsFunction: a.completeNodes,
	}
	c.Flags().StringVar(&out, "out", "", "file for the ISO")
	embed.addSecrets(c)
	return c
}

func (a *app) mediaStick(ctx context.Context, names []string, out string, embed embedFlags) error {
	c, err := a.spec()
	if err != nil {
		return err
	}
	all := len(names) == 0
	if names, err = chosen(c, names); err != nil {
		return usageError(err)
	}
	if err := refuseOut(c, out); err != nil {
		return usageError(err)
	}
	nodes, target, err := stickNodes(c, names, all)
	if err != nil {
		return usageError(err)
	}
	r, err := a.newRenderer(ctx, c)
	if err != nil {
		return err
	}
	if err := embed.apply(a, r); err != nil {
		return err
	}
	image, err := r.stick(nodes, target)
	if err != nil {
		return err
	}
	// What had to be issued is kept: it is on the medium.
	if err := r.commit(); err != nil {
		return err
	}
	if err := atomicfile.Write(out, image, 0o600); err != nil {
		return err
	}
	names = nil
	var made []rendered
	for _, n := range nodes {
		names = append(names, n.Name)
		made = append(made, rendered{Name: n.Name, Role: n.Role, Medium: out})
	}
	a.say("made %s for %s, read by %s on a volume labelled %s", out, strings.Join(names, ", "), target.Reader, target.Label)
	a.say("write it to a USB stick, or attach it as a CD-ROM, and start each of the machines with it")
	a.note("%s holds the SSH host keys of %s: whoever reads it can pass for any of them; erase it after use", out, count(len(nodes), "machine"))
	embed.warn(a, c, made)
	return a.answer(map[string]any{"medium": out, "media": target.Name, "nodes": names})
}

// stickNodes are those of the names that have a medium, and the one target that
// all of them must have. Adopted machines are left out where nobody named them.
func stickNodes(c *cluster.Cluster, names []string, all bool) ([]*cluster.Node, ignition.Target, error) {
	var nodes []*cluster.Node
	var target ignition.Target
	for _, name := range names {
		n, _ := c.Node(name)
		if adopted(n) {
			if all {
				continue
			}
			return nil, target, fmt.Errorf("%s has ssh.hostKey: it was adopted, so there is no medium for it", name)
		}
		t, err := ignition.FindTarget(c.MediaOf(n))
		switch {
		case err != nil:
			return nil, target, err
		case !t.Stick:
			return nil, target, fmt.Errorf("%s has media: %s, and %s cannot choose among machines; write media: %s for it, or name the others", name, t.Name, t.Reader, stickTargets(c.OSOf(n)))
		case target.Name != "" && target.Name != t.Name:
			return nil, target, fmt.Errorf("%s has media: %s, and %s has %s; make a stick for each kind, and name its nodes", nodes[0].Name, target.Name, name, t.Name)
		}
		target = t
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return nil, target, errors.New("there is no node to make it for; add one with kbm add-node")
	}
	return nodes, target, nil
}

// stickTargets are those of a system that many machines can share.
func stickTargets(system cluster.OS) string {
	for _, t := range ignition.Targets() {
		for _, name := range t.OSes {
			if t.Stick && name == system.Name {
				return t.Name
			}
		}
	}
	return "nocloud, with os: debian or ubuntu,"
}

func (r *renderer) stick(nodes []*cluster.Node, t ignition.Target) ([]byte, error) {
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	set, err := r.ensure(names)
	if err != nil {
		return nil, err
	}
	var all []ignition.StickNode
	for _, n := range nodes {
		m, err := r.machine(n, set)
		if err != nil {
			return nil, err
		}
		all = append(all, ignition.StickNode{Machine: m, OS: r.cluster.OSOf(n), Keys: ignition.StickKeys(n)})
	}
	image, err := r.media.Stick(r.cluster, t, all, r.stageOf())
	return image, usageError(err)
}
