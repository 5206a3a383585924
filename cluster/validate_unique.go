package cluster

import (
	"fmt"
	"net"
	"strings"
)

// checkDuplicates names every value that two nodes share and each must have
// for itself. The fault stands at the second of them.
func checkDuplicates(faults *Faults, nodes []Node) {
	type key struct{ kind, value string }
	first := map[key]string{}
	for i := range nodes {
		n := &nodes[i]
		k := checker{file: n.source(), faults: faults}
		uniqueAs := func(kind, path, value, shown string) {
			if value == "" {
				return
			}
			if owner, taken := first[key{kind, value}]; taken {
				k.add(path, shown, "is also that of node "+owner, "give each machine its own")
				return
			}
			first[key{kind, value}] = n.Name
		}
		unique := func(path, value, shown string) { uniqueAs(path, path, value, shown) }
		unique("name", n.Name, n.Name)
		if ip := n.IP(); ip.IsValid() {
			unique("address", ip.String(), n.Address)
		}
		if mac, err := net.ParseMAC(n.MAC); err == nil {
			unique("mac", mac.String(), n.MAC)
		}
		for i, port := range n.Bond.Interfaces {
			if mac, err := net.ParseMAC(port); err == nil {
				uniqueAs("mac", fmt.Sprintf("bond.interfaces[%d]", i), mac.String(), port)
			}
		}
		unique("serial", strings.Join(strings.Fields(n.Serial), ""), n.Serial)
		if n.SSH.Host != "" {
			unique("ssh.host", strings.ToLower(fmt.Sprintf("%s %s %d", n.SSH.Jump, n.SSH.Host, n.SSH.Port)), n.SSH.Host)
		}
		unique("ssh.hostKey", n.SSH.HostKey, n.SSH.HostKey)
	}
}
