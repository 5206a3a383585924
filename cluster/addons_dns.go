package cluster

import "net"

const dnsPort = "53"

// Host is the server without its port.
func (r *RFC2136) Host() string {
	host, _, err := net.SplitHostPort(r.Server)
	if err != nil {
		return r.Server
	}
	return host
}

// Port is the server's.
func (r *RFC2136) Port() string {
	_, port, err := net.SplitHostPort(r.Server)
	if err != nil {
		return dnsPort
	}
	return port
}

// HostPort is the server with its port: 192.168.1.53:53, [fd00::53]:53.
func (r *RFC2136) HostPort() string { return net.JoinHostPort(r.Host(), r.Port()) }

// ProofResolvers are asked, as address:port, whether a record is out that proves
// a name by DNS-01: certs.resolvers, or network.resolvers. Empty: whatever the
// cluster's DNS says.
func (c *Cluster) ProofResolvers() []string {
	if len(c.Addons.Certs.Resolvers) > 0 {
		return c.Addons.Certs.Resolvers
	}
	resolvers := []string{}
	for _, r := range c.Network.Resolvers {
		resolvers = append(resolvers, net.JoinHostPort(r, dnsPort))
	}
	return resolvers
}
