package cluster

import (
	"fmt"
	"net/netip"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation"
)

func checkNetwork(k checker, c *Cluster) {
	pods, podsOK := checkCIDR(k, "network.podCIDR", c.Network.PodCIDR)
	services, servicesOK := checkCIDR(k, "network.serviceCIDR", c.Network.ServiceCIDR)
	if podsOK {
		checkPodSize(k, pods, len(c.Nodes))
		checkLAN(k, c, "network.podCIDR", pods)
	}
	if servicesOK {
		checkServiceSize(k, services)
		checkLAN(k, c, "network.serviceCIDR", services)
	}
	if podsOK && servicesOK && pods.Overlaps(services) {
		k.add("network.serviceCIDR", services.String(), "overlaps network.podCIDR "+pods.String(), "choose two ranges apart")
	}
	if len(validation.IsDNS1123Subdomain(c.Network.Domain)) > 0 {
		k.add("network.domain", c.Network.Domain, "is not a DNS name", "write one such as "+DefaultDomain)
	}
	for i, r := range c.Network.Resolvers {
		path := fmt.Sprintf("network.resolvers[%d]", i)
		k.address(path, r)
		checkOutside(k, c, path, r)
	}
	checkNames(k.in("network"), c)
	// The lower bound is IPv6's (RFC 8200) with 50 bytes for VXLAN; the upper
	// one is what jumbo frames reach.
	if m := c.Network.MTU; m < 1330 || m > 9216 {
		k.add("network.mtu", strconv.Itoa(m), "is not an MTU of a LAN", "write a number from 1330 to 9216, most often 1500")
	}
}

func checkCIDR(k checker, path, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		k.add(path, text, "is not an address range", "write one such as "+defaultServiceCIDR)
		return p, false
	case p.Addr().Is4In6():
		k.add(path, text, "is an IPv4 range in IPv6 clothes", "write one such as "+defaultServiceCIDR)
		return p, false
	case p != p.Masked():
		k.add(path, text, "does not start where its range does", "write "+p.Masked().String())
	}
	return p.Masked(), true
}

// checkPodSize: the controller manager gives each node a /24, or a /64 of
// IPv6, and refuses to start when that leaves more than 16 bits of nodes.
func checkPodSize(k checker, pods netip.Prefix, nodes int) {
	each := 24
	if pods.Addr().Is6() {
		each = 64
	}
	const path = "network.podCIDR"
	bits := each - pods.Bits()
	switch {
	case bits < 0:
		k.add(path, pods.String(), "is too small", fmt.Sprintf("each node takes a /%d of it: write /%d or larger", each, each))
	case bits > 16:
		k.add(path, pods.String(), "is too large for Kubernetes", fmt.Sprintf("write /%d or smaller", each-16))
	case nodes > 1<<bits:
		k.add(path, pods.String(), fmt.Sprintf("has room for %d nodes and there are %d", 1<<bits, nodes),
			fmt.Sprintf("each node takes a /%d of it: choose a larger range", each))
	}
}

// checkServiceSize: the apiserver refuses more than 20 bits, and cluster DNS
// has the tenth address.
func checkServiceSize(k checker, services netip.Prefix) {
	bits := services.Addr().BitLen() - services.Bits()
	width := services.Addr().BitLen()
	switch {
	case bits > 20:
		k.add("network.serviceCIDR", services.String(), "is too large for Kubernetes", fmt.Sprintf("write /%d or smaller", width-20))
	case bits < 4:
		k.add("network.serviceCIDR", services.String(), "is too small: cluster DNS has the tenth address", fmt.Sprintf("write /%d or larger", width-4))
	}
}

// checkLAN refuses a range that nodes' addresses are in: their traffic would
// be taken for that of pods or services. One node is named for all.
func checkLAN(k checker, c *Cluster, path string, r netip.Prefix) {
	for i := range c.Nodes {
		n := &c.Nodes[i]
		lan, known := n.Prefix()
		if !known && n.IP().IsValid() {
			lan, known = netip.PrefixFrom(n.IP(), n.IP().BitLen()), true
		}
		// A length of 0 is a fault of its own.
		if known && lan.Bits() > 0 && lan.Overlaps(r) {
			k.add(path, r.String(), fmt.Sprintf("overlaps the nodes' LAN: %s has %s", n.Name, n.Address), "choose a range that no node's network is in")
			return
		}
	}
}

// checkFamily: kbm makes clusters of one address family, the pods'.
func checkFamily(k checker, c *Cluster) {
	pods, err := netip.ParsePrefix(c.Network.PodCIDR)
	if err != nil {
		return
	}
	same := func(k checker, path, text string) {
		ip, err := netip.ParseAddr(text)
		if p, perr := netip.ParsePrefix(text); perr == nil {
			ip, err = p.Addr(), nil
		}
		if err == nil && !ip.Is4In6() && ip.Is6() != pods.Addr().Is6() {
			k.add(path, text, "is of another address family than network.podCIDR "+c.Network.PodCIDR, "use IPv4 everywhere, or IPv6 everywhere")
		}
	}
	same(k, "network.serviceCIDR", c.Network.ServiceCIDR)
	same(k, "endpoint.host", c.Endpoint.Host)
	same(k, "endpoint.vip", c.Endpoint.VIP)
	for i := range c.Nodes {
		n := &c.Nodes[i]
		same(checker{file: n.source(), faults: k.faults}, "address", n.Address)
	}
}
