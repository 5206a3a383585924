package cluster

import (
	"fmt"
	"slices"
	"strconv"
)

// The ports that Kubernetes gives to Services of type NodePort.
const (
	firstNodePort = 30000
	lastNodePort  = 32767
)

// checkPorts finds classes that want the same port of the same machine, or the
// same address. The fault stands at the later one.
func checkPorts(k checker, classes []IngressClass) {
	ports, roles, addresses := map[int]string{}, map[Role]string{}, map[string]string{}
	for i, class := range classes {
		at := k.in("classes", i)
		switch class.Expose {
		case NodePort:
			at.nodePort("httpNodePort", class.HTTPNodePort, class.Name, ports)
			at.nodePort("httpsNodePort", class.HTTPSNodePort, class.Name, ports)
		case HostNetwork:
			for _, role := range class.Roles {
				if other, taken := roles[role]; taken && other != class.Name {
					at.add("roles", string(role), "is also a role of class "+other+", and both want ports 80 and 443 of its nodes",
						"give one of them other roles, or another expose")
				} else {
					roles[role] = class.Name
				}
			}
		case ThroughLoadBalancer:
			if other, taken := addresses[class.Address]; taken && class.Address != "" {
				at.add("address", class.Address, "is also that of class "+other, "give each class its own")
			}
			addresses[class.Address] = class.Name
		}
	}
}

func (k checker) nodePort(path string, port int, class string, taken map[int]string) {
	other, clash := taken[port]
	switch {
	case port < firstNodePort || port > lastNodePort:
		k.add(path, strconv.Itoa(port), "is not a port that nodes open for Services", "write a number from 30000 to 32767")
	case clash:
		k.add(path, strconv.Itoa(port), "is also a port of class "+other, "choose another number from 30000 to 32767")
	default:
		taken[port] = class
	}
}

// unserved finds the classes that no node serves. That is not wrong while a
// cluster's nodes are still being added: see ReadyForUp.
func (c *Cluster) unserved() Faults {
	faults := Faults{}
	if c.Addons.Ingress == nil {
		return faults
	}
	k := checker{file: File, faults: &faults}.in("addons").in("ingress")
	for i, class := range c.Addons.Ingress.Classes {
		if class.Expose == HostNetwork && len(c.AddressesOf(class.Roles...)) == 0 {
			role := slices.Concat(class.Roles, []Role{Edge})[0]
			k.in("classes", i).add("roles", listed(class.Roles), "is a role of no node, so nobody serves class "+class.Name,
				fmt.Sprintf("add such a node (kbm add-node NAME --role %s …), or write roles that nodes have: [%s]", role, listed(c.roles())))
		}
	}
	return faults
}

// roles lists the roles that the cluster's nodes have, in the order of Roles.
func (c *Cluster) roles() []Role {
	roles := []Role{}
	for _, name := range Roles() {
		if len(c.WithRole(Role(name))) > 0 {
			roles = append(roles, Role(name))
		}
	}
	return roles
}

func listed(roles []Role) string {
	text := ""
	for i, role := range roles {
		if i > 0 {
			text += ", "
		}
		text += string(role)
	}
	return text
}
