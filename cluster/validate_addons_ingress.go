package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Exposures lists the ways in that an ingress class can have.
func Exposures() []string { return []string{HostNetwork, ThroughLoadBalancer, NodePort} }

// Roles lists the roles of nodes.
func Roles() []string { return []string{string(Controller), string(Worker), string(Edge)} }

func checkIngress(k checker, c *Cluster) {
	classes := c.Addons.Ingress.Classes
	if len(classes) == 0 {
		k.missing("classes", "write one such as {name: external, expose: hostNetwork}")
	}
	names, standard := make([]string, len(classes)), ""
	for i, class := range classes {
		names[i] = class.Name
		at := k.in("classes", i)
		if class.Default && standard != "" {
			at.add("default", "", "is also set at class "+standard, "keep one: it takes the Ingress objects that name no class")
		} else if class.Default {
			standard = class.Name
		}
		checkExposure(at, class, c)
		checkProxies(at, class)
		checkBackend(at, class.DefaultBackend)
		if class.Replicas < 1 || class.Replicas > maxReplicas {
			at.add("replicas", strconv.Itoa(class.Replicas), "is not a number of pods", fmt.Sprintf("write a number from 1 to %d", maxReplicas))
		}
		for j, host := range class.Hosts {
			at.domain(fmt.Sprintf("hosts[%d]", j), strings.TrimPrefix(host, "*."))
		}
	}
	k.names("classes", names, "external")
	checkPorts(k, classes)
}

// maxReplicas is above what any home or office has use for, and below what a
// slip of the keyboard makes.
const maxReplicas = 100

// checkExposure refuses settings that would not be used: somebody relies on them.
func checkExposure(k checker, class IngressClass, c *Cluster) {
	if !slices.Contains(Exposures(), class.Expose) {
		k.oneOf("expose", class.Expose, Exposures())
		return
	}
	unused := func(set bool, path, way string) {
		if set && class.Expose != way {
			k.add(path, "", "is not used with expose: "+class.Expose, "take it out, or write expose: "+way)
		}
	}
	unused(len(class.Roles) > 0, "roles", HostNetwork)
	unused(class.Metrics, "metrics", HostNetwork)
	unused(class.Pool != "", "pool", ThroughLoadBalancer)
	unused(class.Address != "", "address", ThroughLoadBalancer)
	unused(class.HTTPNodePort != 0, "httpNodePort", NodePort)
	unused(class.HTTPSNodePort != 0, "httpsNodePort", NodePort)
	for i, role := range class.Roles {
		path := fmt.Sprintf("roles[%d]", i)
		k.oneOf(path, string(role), Roles())
		if slices.Contains(class.Roles[:i], role) {
			k.add(path, string(role), "is there twice", "keep one")
		}
	}
	if class.Expose == ThroughLoadBalancer {
		checkBalanced(k, class, c)
	}
}

// checkBalanced: the address of a class must come from a pool.
func checkBalanced(k checker, class IngressClass, c *Cluster) {
	balancer := c.Addons.LoadBalancer
	if balancer == nil {
		k.add("expose", class.Expose, "has no load balancer to ask for an address",
			"add addons.loadBalancer with a pool of free addresses, or write expose: "+HostNetwork+" or "+NodePort)
		return
	}
	switch known := balancer.poolNames(); {
	case class.Pool != "" && class.Address != "":
		k.add("address", class.Address, "stands beside pool", "keep one: an address is in one pool only")
	case class.Pool != "" && !slices.Contains(known, class.Pool):
		k.add("pool", class.Pool, "is not a pool of addons.loadBalancer", alternatives(known))
	case class.Pool == "" && class.Address == "" && !balancer.assigns():
		k.add("expose", class.Expose, "gets no address: every pool has autoAssign: false", "set pool or address, or let a pool assign")
	}
	if class.Address == "" {
		return
	}
	ip, err := netip.ParseAddr(class.Address)
	if err != nil {
		k.address("address", class.Address)
		return
	}
	if !balancer.holds(ip) {
		k.add("address", class.Address, "is in no pool of addons.loadBalancer", "add it to one, or choose an address of "+strings.Join(balancer.poolNames(), " or "))
	}
}

// checkProxies checks what lies between a client and the class.
func checkProxies(k checker, class IngressClass) {
	for i, address := range class.Publish {
		k.host(fmt.Sprintf("publish[%d]", i), address)
	}
	for i, network := range class.TrustedProxies {
		path := fmt.Sprintf("trustedProxies[%d]", i)
		p, err := netip.ParsePrefix(network)
		if ip, alone := netip.ParseAddr(network); alone == nil {
			p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		switch {
		case err != nil:
			k.add(path, network, "is not an address or a network", "write one such as 192.168.1.5/32")
		case p.Bits() == 0:
			k.add(path, network, "is the whole Internet, and anybody in it could claim to be anybody", "write the networks of your proxies only")
		case p != p.Masked():
			k.add(path, network, "does not start where its network does", "write "+p.Masked().String())
		}
	}
}

func checkBackend(k checker, backend string) {
	if backend == "" {
		return
	}
	namespace, name, both := strings.Cut(backend, "/")
	if !both || len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1035Label(name)) > 0 {
		k.add("defaultBackend", backend, "is not a Service", "write NAMESPACE/NAME, such as web/not-found")
	}
}
