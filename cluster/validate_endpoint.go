package cluster

import (
	"net/netip"
)

func checkEndpoint(k checker, c *Cluster) {
	e := c.Endpoint
	k.port("endpoint.port", e.Port)
	switch {
	case e.Host == "" && e.VIP == "":
		k.missing("endpoint", "set endpoint.host to a name or address that leads to the controllers, or endpoint.vip to a free address of their LAN")
	case e.Host != "" && e.VIP != "":
		k.add("endpoint", "", "has both host and vip", "keep one: vip where kbm is to hold the address, host where something else does")
	}
	if e.Host != "" {
		k.host("endpoint.host", e.Host)
		checkOutside(k, c, "endpoint.host", e.Host)
	}
	if e.VIP != "" {
		checkVIP(k, c)
	}
}

// checkVIP: kube-vip answers ARP for the address on the controllers' LAN, so
// it must be free, and belong there.
func checkVIP(k checker, c *Cluster) {
	const path = "endpoint.vip"
	vip := c.Endpoint.VIP
	if wrong, right := addressFault(vip); wrong != "" {
		k.add(path, vip, wrong, right)
		return
	}
	checkOutside(k, c, path, vip)
	ip := netip.MustParseAddr(vip)
	for i := range c.Nodes {
		n := &c.Nodes[i]
		if n.IP() == ip {
			k.add(path, vip, "is the address of "+n.Name, "choose an address of the LAN that no machine has")
		}
		lan, known := n.Prefix()
		if known && n.Role == Controller && !lan.Contains(ip) {
			k.add(path, vip, "is not in "+lan.Masked().String()+", the network of "+n.Name,
				"choose a free address in the network of all controllers")
			return
		}
		if known && isEdgeOfNet(lan, ip) {
			k.add(path, vip, "is the network or broadcast address of "+lan.Masked().String(), "choose an address between the two")
			return
		}
	}
}

// checkOutside refuses an address that the cluster gives to pods or services.
func checkOutside(k checker, c *Cluster, path, address string) {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return
	}
	for _, r := range []struct{ path, cidr string }{
		{"network.podCIDR", c.Network.PodCIDR},
		{"network.serviceCIDR", c.Network.ServiceCIDR},
	} {
		if p, err := netip.ParsePrefix(r.cidr); err == nil && p.Contains(ip) {
			k.add(path, address, "is inside "+r.path+" "+r.cidr, "write an address outside of it, or change "+r.path)
		}
	}
}
