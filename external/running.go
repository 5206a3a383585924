package external

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// Object is an Ingress or a Service of the running cluster that has names.
type Object struct {
	// Kind is Ingress or Service.
	Kind, Namespace, Name string
	// Class of an Ingress; empty where it names none.
	Class string
	Hosts []string
	// Addresses are what its status shows, which may be names.
	Addresses []string
}

func (o Object) String() string { return o.Kind + " " + o.Namespace + "/" + o.Name }

// FromRunning lists the names of a running cluster's objects. Unless classes
// are chosen, those of other ingresses and of Services are among them. One that
// leads nowhere yet has no addresses. left has a sentence for each host that is
// not a name.
func FromRunning(c *cluster.Cluster, objects []Object, chosen []string) (names []Name, left []string) {
	served := Served(objects)
	for _, o := range objects {
		if o.Kind == "Ingress" && o.Class == "" {
			o.Class = c.Addons.DefaultClass()
		}
		if len(chosen) > 0 && !slices.Contains(chosen, o.Class) {
			continue
		}
		addresses := addressesOf(c, o, served)
		for _, host := range o.Hosts {
			n := Name{
				Name: strings.TrimSuffix(strings.ToLower(host), "."), Addresses: addresses,
				Class: o.Class, From: o.String(),
			}
			if err := n.check(); err != nil {
				left = append(left, err.Error())
			} else {
				names = append(names, n)
			}
		}
	}
	return names, left
}

// Served are the addresses that the load balancer gave to the Services of the
// ingress classes, by class.
func Served(objects []Object) map[string][]string {
	served := map[string][]string{}
	for _, o := range objects {
		if o.Kind == "Service" && o.Namespace == "ingress" {
			served[o.Name] = onlyIPs(o.Addresses)
		}
	}
	return served
}

// addressesOf finds where the names of an object lead to in the LAN: to its
// class itself before what its status tells the world.
func addressesOf(c *cluster.Cluster, o Object, served map[string][]string) []string {
	classes, err := Classes(c, []string{o.Class})
	if o.Kind == "Ingress" && err == nil {
		if addresses := within(c, classes[0]); len(addresses) > 0 {
			return addresses
		}
		if addresses := served[o.Class]; len(addresses) > 0 {
			return addresses
		}
	}
	return onlyIPs(o.Addresses)
}

func onlyIPs(addresses []string) []string {
	return slices.DeleteFunc(slices.Clone(addresses), func(address string) bool {
		_, err := netip.ParseAddr(address)
		return err != nil
	})
}
