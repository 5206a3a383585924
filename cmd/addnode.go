package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

func newAddNodeCommand(a *app) *cobra.Command {
	var f nodeFlags
	var from string
	var o addOptions
	c := &cobra.Command{
		Use:   "add-node NAME --role ROLE --address IP[/LENGTH] | --from FILE",
		Short: "Add a machine: its spec, certificates and boot medium",
		Long: `Add a machine to the cluster: write nodes/NAME.yaml, issue its certificates and
SSH host key, and render build/NAME/ with the ISO that it boots from. The
machine itself is reached later, by kbm up.

With a length, IP/LENGTH, kbm configures the address on the machine; without,
something else (DHCP) does. A machine that runs already and was not booted from
kbm's medium is adopted with --host-key, its SSH host key's fingerprint, or with
--scan-host-key, which asks the machine for it, and you whether it is right.

--from FILE adds many machines in one run: a YAML stream of Node documents, as
kbm schema node describes them, or - for standard input. Either all are added
or none; one that is there already, word for word, is passed over.`,
		Example: `  kbm add-node cp1 --role controller --address 192.168.1.11/24 --gateway 192.168.1.1 --dns 192.168.1.1
  kbm add-node w1 --role worker --address 192.168.1.12
  kbm add-node ed1 --role edge --address 203.0.113.7 --label example.com/site=attic
  kbm add-node old --role worker --address 192.168.1.20 --os debian --host-key SHA256:…
  kbm add-node --from machines.yaml`,
		Args: atMost(1, "kbm add-node takes one name; add many machines with --from FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.addNodes(cmd.Context(), o, func(c *cluster.Cluster) ([]cluster.Node, error) {
				if o.scan && f.node.SSH.HostKey != "" {
					return nil, errors.New("--host-key and --scan-host-key exclude each other; keep --host-key where the fingerprint is known")
				}
				if from != "" {
					return a.nodesFrom(cmd, c, from, args)
				}
				return f.nodes(args)
			})
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.Flags().StringVar(&from, "from", "", "file with a YAML stream of Node documents, - for standard input")
	c.Flags().BoolVar(&o.scan, "scan-host-key", false, "ask a running machine for its SSH host key, and you whether it is right")
	o.embed.add(c)
	f.add(c)
	return c
}

// addOptions say how nodes are added.
type addOptions struct {
	scan  bool // ask the machine for its host key
	embed embedFlags
}

// addNodes adds what get returns, or nothing at all: everything that can be
// wrong is looked for before anything is written, and the specs of the nodes
// appear last.
func (a *app) addNodes(ctx context.Context, o addOptions, get func(*cluster.Cluster) ([]cluster.Node, error)) error {
	c, err := a.spec()
	if err != nil {
		return err
	}
	added, err := get(c)
	if err != nil {
		return usageError(err)
	}
	whole, err := withNodes(c, added)
	if err == nil && o.scan {
		if added[0].SSH.HostKey, err = a.scanHostKey(ctx, whole, &added[0]); err != nil {
			return err
		}
		whole, err = withNodes(c, added)
	}
	if err != nil {
		return usageError(err)
	}
	r, err := a.newRenderer(ctx, whole)
	if err != nil {
		return err
	}
	defer r.drop()
	if err := o.embed.sealable(c); err != nil {
		return err
	}
	if err := o.embed.apply(a, r); err != nil {
		return err
	}
	names := make([]string, len(added))
	for i := range added {
		names[i] = added[i].Name
	}
	result, err := r.render(ctx, names)
	if err != nil {
		return err
	}
	for i := range added {
		text, err := cluster.PrintNode(&added[i])
		if err != nil {
			return err
		}
		r.batch.Add(filepath.Join(c.Dir, cluster.NodeFile(added[i].Name)), text, 0o644)
	}
	if err := r.commit(); err != nil {
		return err
	}
	r.shown.close()
	a.sayAdded(whole, result.Nodes)
	o.embed.warn(a, whole, result.Nodes)
	return a.answer(result)
}

// withNodes is the cluster with further nodes, or what is wrong with that. A
// name must be free: nothing rewrites a file that a person may have edited.
func withNodes(c *cluster.Cluster, added []cluster.Node) (*cluster.Cluster, error) {
	faults := cluster.Faults{}
	for i := range added {
		n := &added[i]
		if _, taken := c.Node(n.Name); !taken {
			continue
		}
		f := cluster.Fault{
			File: n.Source, Path: "name", Value: n.Name, Wrong: "is already there",
			Right: fmt.Sprintf("edit %s and run kbm render %s, or choose another name", cluster.NodeFile(n.Name), n.Name),
		}
		faults = append(faults, f)
	}
	whole := c.WithNodes(added...)
	if len(faults) == 0 {
		faults = append(whole.Validate(), ignition.CheckTargets(whole)...)
		faults.Sort()
	}
	return whole, asFlags(faults, flagSource, nodePaths()).Err()
}

// mostLines is how many nodes are told of: a thousand lines help nobody.
const mostLines = 20

func (a *app) sayAdded(c *cluster.Cluster, added []rendered) {
	if len(added) == 0 {
		a.say("nothing to do: every node is there already")
		return
	}
	for i, r := range added {
		if i == mostLines {
			a.say("… and %d more", len(added)-mostLines)
			break
		}
		a.say("added %s %s (%s)", r.Role, r.Name, r.Address)
		if r.Medium == "" {
			a.say("  adopted: it keeps its own system, and kbm up reaches it by its host key")
			continue
		}
		a.say("  %s", r.Medium)
	}
	a.saySteps(added)
	if err := c.ReadyForUp(); err != nil {
		a.say("before kbm up: %v", err)
		return
	}
	a.say("next: start the machines, then kbm %sup", a.dirFlag())
}
