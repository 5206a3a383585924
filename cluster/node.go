package cluster

import (
	"cmp"
	"slices"
	"strings"
)

// Controllers lists the nodes that run the control plane, sorted by name.
func (c *Cluster) Controllers() []*Node { return c.WithRole(Controller) }

// WithRole lists the nodes of one role, sorted by name.
func (c *Cluster) WithRole(role Role) []*Node {
	nodes := []*Node{}
	for i := range c.Nodes {
		if c.Nodes[i].Role == role {
			nodes = append(nodes, &c.Nodes[i])
		}
	}
	return nodes
}

// Node finds a node by name.
func (c *Cluster) Node(name string) (*Node, bool) {
	i, found := slices.BinarySearchFunc(c.Nodes, name, func(n Node, name string) int {
		return strings.Compare(n.Name, name)
	})
	if !found {
		return nil, false
	}
	return &c.Nodes[i], true
}

// NodeNames lists the names of all nodes, sorted.
func (c *Cluster) NodeNames() []string {
	names := make([]string, len(c.Nodes))
	for i := range c.Nodes {
		names[i] = c.Nodes[i].Name
	}
	return names
}

// WithNodes returns the cluster with further nodes, sorted, and defaults
// applied to them. The receiver stays as it was.
func (c *Cluster) WithNodes(more ...Node) *Cluster {
	d := *c
	d.Nodes = slices.Concat(c.Nodes, more)
	d.sortNodes()
	return d.WithDefaults()
}

func (n *Node) source() string { return cmp.Or(n.Source, NodeFile(n.Name)) }

func (c *Cluster) sortNodes() {
	slices.SortStableFunc(c.Nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
}

// OSOf is the operating system of a node; the zero OS when the spec was not
// validated and names none that kbm knows.
func (c *Cluster) OSOf(n *Node) OS {
	o, _ := FindOS(cmp.Or(n.OS, c.OS, DefaultOS))
	return o
}

// MediaOf is the target by which a node gets its configuration. The cluster's
// own is for machines of the cluster's own system.
func (c *Cluster) MediaOf(n *Node) string {
	system := c.OSOf(n)
	if cmp.Or(c.OS, DefaultOS) == system.Name {
		return cmp.Or(n.Media, c.Media, system.Media)
	}
	return cmp.Or(n.Media, system.Media)
}

// Access is how one node is reached over SSH: the cluster's settings with the
// node's own in front.
type Access struct {
	Host string
	Port int
	User string
	// Jump is [USER@]HOST[:PORT], or empty.
	Jump string
	// HostKey is the pinned fingerprint, or empty: then the key must be signed
	// by the cluster's SSH host CA.
	HostKey       string
	IdentityFiles []string
}

// SSHOf merges the SSH settings of a node.
func (c *Cluster) SSHOf(n *Node) Access {
	host := n.SSH.Host
	if host == "" && n.IP().IsValid() {
		host = n.IP().String()
	}
	return Access{
		Host:          host,
		Port:          cmp.Or(n.SSH.Port, c.SSH.Port, DefaultSSHPort),
		User:          cmp.Or(n.SSH.User, c.SSH.User, c.OSOf(n).User),
		Jump:          cmp.Or(n.SSH.Jump, c.SSH.Jump),
		HostKey:       n.SSH.HostKey,
		IdentityFiles: c.SSH.IdentityFiles,
	}
}
