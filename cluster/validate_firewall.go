package cluster

import (
	"fmt"
	"slices"
)

// FirewallRoles lists the roles that may have a firewall. Controllers have none
// of kbm's: who reaches them through a balancer outside is not in the spec.
func FirewallRoles() []string { return []string{string(Edge), string(Worker)} }

func checkFirewall(k checker, c *Cluster) {
	f := c.Security.Firewall
	if f == nil {
		return
	}
	for i, role := range f.Roles {
		path := fmt.Sprintf("roles[%d]", i)
		k.oneOf(path, string(role), FirewallRoles())
		if slices.Contains(f.Roles[:i], role) {
			k.add(path, string(role), "is there twice", "keep one")
		}
	}
	k.networks("admin", f.Admin, "leave admin out if SSH shall be open to everybody")
	k.networks("trusted", f.Trusted, "name the networks of your own machines only")
	for i, text := range f.Open {
		if _, err := ParsePort(text); err != nil {
			k.add(fmt.Sprintf("open[%d]", i), text, "is not a port and its protocol", "write one such as 25565/tcp or 51820/udp")
		}
	}
}

// networks checks a list of networks that are let in; whole is what to do
// instead of letting in the world.
func (k checker) networks(list string, networks []string, whole string) {
	for i, text := range networks {
		path := fmt.Sprintf("%s[%d]", list, i)
		p, err := parseNetwork(text)
		switch {
		case err != nil:
			k.add(path, text, "is not an address or a network", "write one such as 192.168.1.0/24")
		case p.Addr().Zone() != "" || p.Addr().Is4In6():
			k.add(path, text, "is not a plain address", "write "+p.Addr().Unmap().WithZone("").String())
		case p.Bits() == 0:
			k.add(path, text, "is the whole Internet", whole)
		case p != p.Masked():
			k.add(path, text, "does not start where its network does", "write "+p.Masked().String())
		}
	}
}
