package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kbm-dev/kbm/cluster"
)

// flagSource stands for the file of a node that is given in flags.
const flagSource = "kbm add-node"

// nodeFlags are one machine on the command line.
type nodeFlags struct {
	node           cluster.Node
	role           string
	labels, taints []string
}

func (f *nodeFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.role, "role", "", "controller, worker or edge")
	flags.StringVar(&f.node.Address, "address", "", "address of the machine, IP or IP/LENGTH")
	flags.StringVar(&f.node.Gateway, "gateway", "", "router of the machine's network")
	flags.StringSliceVar(&f.node.DNS, "dns", nil, "DNS server of the machine (repeatable)")
	flags.StringVar(&f.node.Interface, "interface", "", "interface that has the address, by name")
	flags.StringVar(&f.node.MAC, "mac", "", "interface that has the address, by MAC address")
	flags.StringSliceVar(&f.node.Bond.Interfaces, "bond", nil, "interfaces that are joined into one, by name or by MAC address (repeatable)")
	flags.StringVar(&f.node.Bond.Mode, "bond-mode", "", "how they share the work (default active-backup, which any switch carries)")
	flags.IntVar(&f.node.VLAN, "vlan", 0, "number of the VLAN that the address is in, 1 to 4094")
	flags.StringVar(&f.node.Serial, "serial", "", "the machine's serial number, for a stick that knows it by that")
	flags.StringVar(&f.node.OS, "os", "", "operating system (default the cluster's)")
	flags.StringVar(&f.node.Media, "media", "", "what the machine reads at its first boot, see kbm media targets (default the cluster's)")
	flags.StringArrayVar(&f.labels, "label", nil, "label of the Kubernetes node, KEY=VALUE (repeatable)")
	flags.StringArrayVar(&f.taints, "taint", nil, "taint of the Kubernetes node, KEY[=VALUE]:EFFECT (repeatable)")
	flags.StringVar(&f.node.SSH.HostKey, "host-key", "", "SHA256:… fingerprint of a machine that was not booted from kbm's medium")
	flags.StringVar(&f.node.SSH.Host, "ssh-host", "", "where sshd answers, when that is not the address")
	flags.IntVar(&f.node.SSH.Port, "ssh-port", 0, "port of sshd (default the cluster's)")
	flags.StringVar(&f.node.SSH.User, "ssh-user", "", "user to log in as (default the cluster's)")
	flags.StringVar(&f.node.SSH.Jump, "jump", "", "SSH host to go through, [USER@]HOST[:PORT] (default the cluster's)")
	completeWith(c, "role", []string{string(cluster.Controller), string(cluster.Worker), string(cluster.Edge)})
	completeWith(c, "bond-mode", cluster.BondModes())
	completeWith(c, "os", cluster.OSNames())
	completeWith(c, "media", cluster.MediaTargets())
}

// nodePaths tells which flag gives which setting, for faults.
func nodePaths() map[string]string {
	return map[string]string{
		"name": "NAME", "role": "--role", "address": "--address", "gateway": "--gateway", "dns": "--dns",
		"interface": "--interface", "mac": "--mac", "bond.interfaces": "--bond", "bond.mode": "--bond-mode", "vlan": "--vlan", "serial": "--serial",
		"os": "--os", "media": "--media", "labels": "--label", "taints": "--taint",
		"ssh.hostKey": "--host-key", "ssh.host": "--ssh-host", "ssh.port": "--ssh-port", "ssh.user": "--ssh-user", "ssh.jump": "--jump",
	}
}

// nodes is the one machine that the flags stand for.
func (f *nodeFlags) nodes(args []string) ([]cluster.Node, error) {
	if len(args) == 0 {
		return nil, errors.New("NAME is missing; write kbm add-node NAME --role ROLE --address IP, or --from FILE")
	}
	n := f.node
	n.APIVersion, n.Kind, n.Name, n.Role, n.Source = cluster.APIVersion, "Node", args[0], cluster.Role(f.role), flagSource
	for _, text := range f.labels {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--label: %q is not a label; write KEY=VALUE", text)
		}
		if _, twice := n.Labels[key]; twice {
			return nil, fmt.Errorf("--label: %q is there twice; keep one", key)
		}
		if n.Labels == nil {
			n.Labels = map[string]string{}
		}
		n.Labels[key] = value
	}
	for _, text := range f.taints {
		i := strings.LastIndexByte(text, ':')
		if i < 0 {
			return nil, fmt.Errorf("--taint: %q is not a taint; write KEY[=VALUE]:EFFECT", text)
		}
		key, value, _ := strings.Cut(text[:i], "=")
		n.Taints = append(n.Taints, cluster.Taint{Key: key, Value: value, Effect: text[i+1:]})
	}
	return []cluster.Node{n}, nil
}

// nodesFrom reads the machines of a stream; nothing else on the line may
// describe one.
func (a *app) nodesFrom(cmd *cobra.Command, c *cluster.Cluster, file string, args []string) ([]cluster.Node, error) {
	if len(args) > 0 {
		return nil, fmt.Errorf("%q stands beside --from; the documents of the file hold the names", args[0])
	}
	var other string
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && !slices.Contains([]string{"from", "embed-secrets", "embed-bundle", "help"}, f.Name) && cmd.InheritedFlags().Lookup(f.Name) == nil {
			other = f.Name
		}
	})
	if other != "" {
		return nil, fmt.Errorf("--%s stands beside --from; write it into the documents of the file", other)
	}
	in := a.in
	if file != "-" {
		opened, err := os.Open(home(file))
		if err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
		defer func() { _ = opened.Close() }() // it was only read
		in = opened
	}
	nodes, faults := cluster.ParseNodes(file, in)
	if len(faults) > 0 {
		return nil, faults
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("--from: %s holds no Node document; kbm schema node describes one", file)
	}
	return slices.DeleteFunc(nodes, func(n cluster.Node) bool { return isThere(c, n) }), nil
}

// isThere tells whether the cluster has this very node. A run over many that
// was killed can so be repeated.
func isThere(c *cluster.Cluster, n cluster.Node) bool {
	old, ok := c.Node(n.Name)
	if !ok {
		return false
	}
	// With the defaults, which the cluster's nodes have too.
	whole := (&cluster.Cluster{OS: c.OS}).WithNodes(n)
	before, err := cluster.PrintNode(old)
	after, err2 := cluster.PrintNode(&whole.Nodes[0])
	return err == nil && err2 == nil && bytes.Equal(before, after)
}
