package external

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

func httpPort(class cluster.IngressClass) int {
	if class.Expose == cluster.NodePort {
		return class.HTTPNodePort
	}
	return 80
}

func httpsPort(class cluster.IngressClass) int {
	if class.Expose == cluster.NodePort {
		return class.HTTPSNodePort
	}
	return 443
}

// backend leads to a class, in one of the two protocols.
func (o ProxyOptions) backend(class cluster.IngressClass, w way) (Backend, error) {
	addresses := own(o.Cluster, class)
	if len(addresses) == 0 {
		addresses = o.Addresses[class.Name]
	}
	if len(addresses) == 0 {
		return Backend{}, fmt.Errorf("the class %s has no address yet: %s", class.Name, cure(class))
	}
	return Backend{
		Name: w.backendName(class.Name), Check: w.check,
		ProxyProtocol: len(class.TrustedProxies) > 0,
		Servers:       servers(o.Cluster, addresses, w.port(class)),
	}, nil
}

func cure(class cluster.IngressClass) string {
	switch class.Expose {
	case cluster.HostNetwork:
		return fmt.Sprintf("add a node with one of its roles, %v", class.Roles)
	case cluster.NodePort:
		return "add a node"
	}
	return "set its address in addons.ingress, or ask the running cluster with --from cluster"
}

// backendTo names a backend of one server outside of the cluster, and adds it
// where it is not there yet.
func (p *Proxy) backendTo(way, to string) string {
	name := way + "-to-" + strings.NewReplacer("[", "", "]", "", ":", "-").Replace(to)
	if !slices.ContainsFunc(p.Backends, func(b Backend) bool { return b.Name == name }) {
		p.Backends = append(p.Backends, Backend{Name: name, Servers: []Server{{Name: "s1", Address: to}}})
	}
	return name
}
