package cluster

import "slices"

// NodeResolvers is what Upstreams gives where every node has resolvers of its own.
const NodeResolvers = "/etc/resolv.conf"

// Upstreams are what the cluster's DNS asks for names outside the cluster:
// network.resolvers; or NodeResolvers; or, where some nodes are known to have no
// resolver, those of the others. With none at all it is empty: a cluster
// without the Internet still has DNS of its own.
func (c *Cluster) Upstreams() []string {
	if len(c.Network.Resolvers) > 0 {
		return c.Network.Resolvers
	}
	var own []string
	all := true
	for i := range c.Nodes {
		n := &c.Nodes[i]
		// Where kbm configures the address, it configures the resolvers too.
		_, static := n.Prefix()
		all = all && (len(n.DNS) > 0 || !static || n.SSH.HostKey != "")
		for _, r := range n.DNS {
			if !slices.Contains(own, r) {
				own = append(own, r)
			}
		}
	}
	if all {
		return []string{NodeResolvers}
	}
	return own
}
