package cluster

import (
	"fmt"
	"maps"
	"slices"
)

// checkNames checks what the cluster's DNS is told beside its resolvers.
func checkNames(k checker, c *Cluster) {
	n := c.Network
	for _, zone := range slices.Sorted(maps.Keys(n.Zones)) {
		path := "zones[" + zone + "]"
		k.domain(path, zone)
		if within(zone, n.Domain) {
			k.add(path, zone, "is network.domain, which the cluster answers for itself", "take it out")
		}
		if len(n.Zones[zone]) == 0 {
			k.missing(path, "write the resolvers of the zone, such as [10.0.0.53]")
		}
		for i, resolver := range n.Zones[zone] {
			at := fmt.Sprintf("%s[%d]", path, i)
			k.address(at, resolver)
			checkOutside(k, c, at, resolver)
		}
	}
	for _, host := range slices.Sorted(maps.Keys(n.Hosts)) {
		path := "hosts[" + host + "]"
		k.domain(path, host)
		k.address(path, n.Hosts[host])
	}
}
