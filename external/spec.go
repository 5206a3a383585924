package external

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// FromSpec lists the names that cluster.yaml gives to the ingress classes. A
// name whose addresses the spec does not tell has none.
func FromSpec(c *cluster.Cluster, classes []cluster.IngressClass) []Name {
	names := []Name{}
	for _, class := range classes {
		for _, host := range class.Hosts {
			names = append(names, Name{
				Name: host, Addresses: within(c, class), Class: class.Name,
				From: "a host of the class " + class.Name,
			})
		}
	}
	return names
}

// Endpoint is the name of the API, where it has one, leading to the addresses.
func Endpoint(c *cluster.Cluster, addresses []string) (Name, error) {
	if c.EndpointIsAddress() {
		return Name{}, fmt.Errorf("the endpoint %s is an address: no name leads there", c.EndpointHost())
	}
	return Name{Name: c.EndpointHost(), Addresses: addresses, From: "endpoint.host"}, nil
}

// Classes finds the ingress classes of the names, in their order; none stands
// for all, in the order of the spec.
func Classes(c *cluster.Cluster, names []string) ([]cluster.IngressClass, error) {
	all := []cluster.IngressClass{}
	if c.Addons.Ingress != nil {
		all = c.Addons.Ingress.Classes
	}
	if len(names) == 0 {
		return all, nil
	}
	chosen, known := []cluster.IngressClass{}, []string{}
	for _, class := range all {
		known = append(known, class.Name)
	}
	for _, name := range names {
		at := slices.Index(known, name)
		switch {
		case len(known) == 0:
			return nil, fmt.Errorf("there is no class %q: addons.ingress of cluster.yaml has none", name)
		case at < 0:
			return nil, fmt.Errorf("there is no class %q in addons.ingress; there are %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// within are the addresses at which the LAN finds a class: its own, rather than
// those of a router that are published to the world. Nobody finds a NodePort by
// a name: there it is the proxy in front that is published.
func within(c *cluster.Cluster, class cluster.IngressClass) []string {
	if class.Expose == cluster.NodePort {
		return onlyIPs(class.Publish)
	}
	return own(c, class)
}

// own are the addresses at which a class itself listens, as far as the spec tells.
func own(c *cluster.Cluster, class cluster.IngressClass) []string {
	switch class.Expose {
	case cluster.HostNetwork:
		return c.AddressesOf(class.Roles...)
	case cluster.NodePort:
		return behindProxy(c)
	}
	if class.Address != "" {
		return []string{class.Address}
	}
	return onlyAddress(c, class.Pool)
}

// behindProxy are the nodes that a proxy sends to NodePorts of: any would do,
// but those at the edge are for traffic that comes without a proxy.
func behindProxy(c *cluster.Cluster) []string {
	if inside := c.AddressesOf(cluster.Controller, cluster.Worker); len(inside) > 0 {
		return inside
	}
	return c.AddressesOf(cluster.Edge)
}

// onlyAddress is that of a pool which has no other, so that there is no choice.
func onlyAddress(c *cluster.Cluster, pool string) []string {
	if c.Addons.LoadBalancer == nil {
		return nil
	}
	for _, p := range c.Addons.LoadBalancer.Pools {
		if p.Name != pool || len(p.Addresses) != 1 {
			continue
		}
		if prefix, err := netip.ParsePrefix(p.Addresses[0]); err == nil && prefix.IsSingleIP() {
			return []string{prefix.Addr().String()}
		}
		if first, last, isRange := strings.Cut(p.Addresses[0], "-"); isRange && strings.TrimSpace(first) == strings.TrimSpace(last) {
			return []string{strings.TrimSpace(first)}
		}
	}
	return nil
}
