package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Protocols of ports.
const (
	TCP = "tcp"
	UDP = "udp"
)

// Port is a port of a machine with its protocol, as in 25565/tcp.
type Port struct {
	Number   int
	Protocol string // TCP or UDP
}

// ParsePort reads NUMBER/PROTOCOL.
func ParsePort(text string) (Port, error) {
	number, protocol, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 65535 || protocol != TCP && protocol != UDP {
		return Port{}, fmt.Errorf("%q is not a port and its protocol", text)
	}
	return Port{Number: n, Protocol: protocol}, nil
}

func (f *Firewall) withDefaults() *Firewall {
	if f == nil {
		return nil
	}
	d := *f
	if len(d.Roles) == 0 {
		d.Roles = []Role{Edge}
	}
	return &d
}

// HasFirewall tells whether a node has kbm's firewall.
func (c *Cluster) HasFirewall(n *Node) bool {
	return c.Security.Firewall != nil && slices.Contains(c.Security.Firewall.Roles, n.Role)
}

// OpenPorts are the ports of a node with a firewall that are for the world:
// those of ingress classes, and what the spec opens. They are sorted.
func (c *Cluster) OpenPorts(n *Node) []Port {
	var ports []Port
	if slices.Contains(c.Addons.Ingress.HostNetworkRoles(), n.Role) {
		ports = append(ports, Port{80, TCP}, Port{443, TCP})
	}
	for _, number := range c.Addons.Ingress.nodePorts() {
		ports = append(ports, Port{number, TCP})
	}
	for _, text := range c.Security.Firewall.Open {
		if port, err := ParsePort(text); err == nil {
			ports = append(ports, port)
		}
	}
	slices.SortFunc(ports, func(a, b Port) int {
		if a.Number != b.Number {
			return a.Number - b.Number
		}
		return strings.Compare(a.Protocol, b.Protocol)
	})
	return slices.Compact(ports)
}

// nodePorts are those of the classes that are reached by them.
func (i *Ingress) nodePorts() []int {
	var ports []int
	if i == nil {
		return ports
	}
	for _, class := range i.Classes {
		if class.Expose == NodePort {
			ports = append(ports, class.HTTPNodePort, class.HTTPSNodePort)
		}
	}
	return ports
}

// Networks are prefixes and single addresses as prefixes: sorted, each once,
// and none inside another, as a set of nftables wants them. What is neither is
// left out: Validate has found it.
func Networks(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		if p, err := parseNetwork(text); err == nil {
			all = append(all, p.Masked())
		}
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	var apart []netip.Prefix
	for _, p := range all {
		// Sorted, what holds a network comes before it.
		if !slices.ContainsFunc(apart, p.Overlaps) {
			apart = append(apart, p)
		}
	}
	return apart
}

func parseNetwork(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}
