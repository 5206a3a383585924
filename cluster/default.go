package cluster

import (
	"net/netip"
	"slices"
	"strings"
)

// What a setting is when nobody sets it.
const (
	DefaultVersion    = "v1.37.1"
	DefaultPort       = 6443
	DefaultSSHPort    = 22
	DefaultDomain     = "cluster.local"
	DefaultMTU        = 1500
	DefaultAlgorithm  = "ecdsa-p256"
	DefaultPodProfile = "baseline"
	DefaultBondMode   = "active-backup"

	// A node takes a /24 of the pods' range, so this one holds 1,024 nodes. It
	// cannot be changed later, hence four times the customary /16.
	defaultPodCIDR     = "10.244.0.0/14"
	defaultServiceCIDR = "10.96.0.0/12"
	// Unique local addresses (RFC 4193); a node takes a /64 and Kubernetes
	// allows 16 bits of nodes and 20 bits of services.
	defaultPodCIDR6     = "fd00:10:244::/48"
	defaultServiceCIDR6 = "fd00:10:96::/108"
)

// WithDefaults returns the cluster with everything filled in that a user left
// out. It is pure: the receiver stays as it was written. A node takes its
// operating system from the cluster here; its SSH settings are merged by
// SSHOf, since a node may override each by itself.
func (c *Cluster) WithDefaults() *Cluster {
	d := *c
	pods, services := defaultPodCIDR, defaultServiceCIDR
	if c.is6() {
		pods, services = defaultPodCIDR6, defaultServiceCIDR6
	}
	fill(&d.Kubernetes.Version, DefaultVersion)
	fill(&d.Endpoint.Port, DefaultPort)
	fill(&d.Network.PodCIDR, pods)
	fill(&d.Network.ServiceCIDR, services)
	fill(&d.Network.Domain, DefaultDomain)
	fill(&d.Network.MTU, DefaultMTU)
	fill(&d.SSH.Port, DefaultSSHPort)
	fill(&d.OS, DefaultOS)
	fill(&d.PKI.Algorithm, DefaultAlgorithm)
	fill(&d.Security.PodSecurity, DefaultPodProfile)
	fillOn(&d.Security.Audit)
	fillOn(&d.Security.EncryptionAtRest)
	d.Security.Firewall = c.Security.Firewall.withDefaults()
	d.Addons = c.Addons.withDefaults(&d)
	d.Nodes = slices.Clone(c.Nodes)
	for i := range d.Nodes {
		fill(&d.Nodes[i].OS, d.OS)
		if len(d.Nodes[i].Bond.Interfaces) > 0 {
			fill(&d.Nodes[i].Bond.Mode, DefaultBondMode)
		}
	}
	return &d
}

// is6 tells whether anything that the user wrote makes it an IPv6 cluster.
func (c *Cluster) is6() bool {
	written := []string{c.Endpoint.VIP, c.Endpoint.Host, c.Network.PodCIDR, c.Network.ServiceCIDR}
	if len(c.Nodes) > 0 {
		written = append(written, c.Nodes[0].Address)
	}
	for _, s := range written {
		host, _, _ := strings.Cut(s, "/")
		if ip, err := netip.ParseAddr(host); err == nil {
			return ip.Is6()
		}
	}
	return false
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func fillOn(field **bool) {
	if *field == nil {
		on := true
		*field = &on
	}
}
