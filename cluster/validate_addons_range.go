package cluster

import (
	"net/netip"
	"strings"
)

// addressRange is what a pool's entry stands for, both ends included.
type addressRange struct {
	first, last netip.Addr
	owner       string
}

func (r addressRange) contains(ip netip.Addr) bool {
	return ip.BitLen() == r.first.BitLen() && r.first.Compare(ip) <= 0 && ip.Compare(r.last) <= 0
}

func (r addressRange) overlaps(o addressRange) bool {
	return r.contains(o.first) || r.contains(o.last) || o.contains(r.first)
}

func rangeOf(p netip.Prefix) addressRange {
	return addressRange{first: p.Masked().Addr(), last: lastOf(p)}
}

// lastOf is the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes) // its length is that of an address
	return last
}

// parseRange reads FIRST-LAST or a network, as MetalLB does.
func parseRange(text string) (r addressRange, wrong, right string) {
	const form = "write a range such as 192.168.1.240-192.168.1.250 or 192.168.1.240/28"
	if p, err := netip.ParsePrefix(text); err == nil {
		if p != p.Masked() {
			return r, "does not start where its range does", "write " + p.Masked().String() + ", or FIRST-LAST"
		}
		return rangeOf(p), "", ""
	}
	first, last, both := strings.Cut(text, "-")
	if ip, err := netip.ParseAddr(text); err == nil {
		return r, "is one address, without its length", "write " + netip.PrefixFrom(ip, ip.BitLen()).String()
	}
	var errs [2]error
	r.first, errs[0] = netip.ParseAddr(strings.TrimSpace(first))
	r.last, errs[1] = netip.ParseAddr(strings.TrimSpace(last))
	switch {
	case !both || errs[0] != nil || errs[1] != nil || r.first.BitLen() != r.last.BitLen():
		return r, "is not a range of addresses", form
	case r.last.Less(r.first):
		return r, "ends before it begins", "write " + r.last.String() + "-" + r.first.String()
	}
	return r, "", ""
}

// rangeFault tells why addresses are not free for Services of this cluster.
func rangeFault(r addressRange, c *Cluster, pool Pool, taken []addressRange) (wrong, right string) {
	const free = "choose addresses that nothing has, and no DHCP server gives out"
	for _, end := range []netip.Addr{r.first, r.last} {
		if wrong, _ := addressFault(end.String()); wrong != "" {
			return "has an address in it that no Service can have: " + end.String() + " " + wrong, "write addresses of your LAN"
		}
	}
	if pods, err := netip.ParsePrefix(c.Network.PodCIDR); err == nil && pods.Addr().BitLen() != r.first.BitLen() {
		return "is of another address family than network.podCIDR " + c.Network.PodCIDR, "use IPv4 everywhere, or IPv6 everywhere"
	}
	for _, other := range append(reserves(c), taken...) {
		if r.overlaps(other) && other.first != other.last {
			return "overlaps " + other.owner, "choose two ranges apart"
		} else if r.overlaps(other) {
			return "holds " + other.first.String() + ", " + other.owner, free
		}
	}
	return lanFault(r, c, pool)
}

// reserves are the addresses that the cluster has other uses for.
func reserves(c *Cluster) []addressRange {
	ranges := []addressRange{}
	add := func(text, owner string) {
		if p, err := netip.ParsePrefix(text); err == nil {
			r := rangeOf(p)
			r.owner = owner + " " + text
			ranges = append(ranges, r)
		} else if ip, err := netip.ParseAddr(text); err == nil {
			ranges = append(ranges, addressRange{ip, ip, owner})
		}
	}
	add(c.Network.PodCIDR, "network.podCIDR")
	add(c.Network.ServiceCIDR, "network.serviceCIDR")
	add(c.Endpoint.VIP, "endpoint.vip")
	add(c.Endpoint.Host, "endpoint.host")
	for i := range c.Nodes {
		n := &c.Nodes[i]
		if ip := n.IP(); ip.IsValid() {
			ranges = append(ranges, addressRange{ip, ip, "the address of node " + n.Name})
		}
		add(n.Gateway, "the gateway of node "+n.Name)
	}
	return ranges
}

// lanFault finds a pool that nobody would reach: with layer 2, a node answers
// for its addresses in its own network, so they are of that network, unless the
// user names the interfaces on which another one is.
func lanFault(r addressRange, c *Cluster, pool Pool) (wrong, right string) {
	if pool.Protocol != Layer2 || len(pool.Interfaces) > 0 || len(c.Nodes) == 0 {
		return "", ""
	}
	for i := range c.Nodes {
		lan, known := c.Nodes[i].Prefix()
		if !known || rangeOf(lan).overlaps(r) {
			return "", ""
		}
	}
	lan, _ := c.Nodes[0].Prefix()
	return "is in no network of a node, so nobody would find the node that answers for it",
		"choose free addresses of " + lan.Masked().String() + ", name the interfaces that lead to another network, or write protocol: " + BGP
}
