package cluster

import (
	"net"
	"net/netip"
	"strconv"
)

// IP is the address that the node is reached at; the zero Addr when the spec
// was not validated and has none.
func (n *Node) IP() netip.Addr {
	if p, err := netip.ParsePrefix(n.Address); err == nil {
		return p.Addr()
	}
	ip, err := netip.ParseAddr(n.Address)
	if err != nil {
		return netip.Addr{}
	}
	return ip
}

// Prefix is the node's address with the length of its network, such as
// 192.168.1.11/24, and true; or false when something else than kbm configures
// the address.
func (n *Node) Prefix() (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(n.Address)
	return p, err == nil
}

// EndpointHost is the name or address of the API endpoint, without brackets.
func (c *Cluster) EndpointHost() string {
	if c.Endpoint.VIP != "" {
		return c.Endpoint.VIP
	}
	return c.Endpoint.Host
}

// EndpointIsAddress is false for a name: then only who shares the nodes' own
// resolution, /etc/hosts included, is sure to find it.
func (c *Cluster) EndpointIsAddress() bool {
	_, err := netip.ParseAddr(c.EndpointHost())
	return err == nil
}

// EndpointPort is the port of the API endpoint.
func (c *Cluster) EndpointPort() int {
	if c.Endpoint.Port == 0 {
		return DefaultPort
	}
	return c.Endpoint.Port
}

// EndpointURL is the API endpoint as a kubeconfig holds it.
func (c *Cluster) EndpointURL() string {
	return "https://" + net.JoinHostPort(c.EndpointHost(), strconv.Itoa(c.EndpointPort()))
}

// APIServerPort is the port that the API servers listen on. It is the
// endpoint's where that leads straight to a controller; a load balancer of the
// user's may listen elsewhere and finds them at 6443.
func (c *Cluster) APIServerPort() int {
	if c.Endpoint.VIP != "" {
		return c.EndpointPort()
	}
	if host, err := netip.ParseAddr(c.Endpoint.Host); err == nil {
		for i := range c.Nodes {
			if c.Nodes[i].Role == Controller && c.Nodes[i].IP() == host {
				return c.EndpointPort()
			}
		}
	}
	return DefaultPort
}

// APIServiceIP is the first address of the service range: the Service
// "kubernetes", by Kubernetes' own rule.
func (c *Cluster) APIServiceIP() netip.Addr { return c.serviceIP(1) }

// DNSServiceIP is the tenth address of the service range, as kubeadm has it.
func (c *Cluster) DNSServiceIP() netip.Addr { return c.serviceIP(10) }

func (c *Cluster) serviceIP(n int) netip.Addr {
	p, err := netip.ParsePrefix(c.Network.ServiceCIDR)
	if err != nil {
		return netip.Addr{}
	}
	ip := p.Masked().Addr()
	for range n {
		ip = ip.Next()
	}
	return ip
}
