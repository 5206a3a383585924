package cluster

import (
	"fmt"
)

// MaxControllers is where etcd's own guidance ends for kbm: every write waits
// for a majority, and five members already survive two losses.
const MaxControllers = 5

// Validate finds every fault of a cluster that has its defaults, in time
// linear in the number of nodes. It says nothing on how many nodes there are:
// a cluster is made one node after the other. See ReadyForUp.
func (c *Cluster) Validate() Faults {
	faults := Faults{}
	k := checker{file: File, faults: &faults}
	checkIdentity(k, c)
	checkEndpoint(k, c)
	checkNetwork(k, c)
	checkSSH(k, &c.SSH)
	checkPKI(k, c)
	checkFirewall(k.in("security.firewall"), c)
	checkMirrors(k.in("bundle.mirrors"), c.Bundle.Mirrors)
	checkAddons(k, c)
	for i := range c.Nodes {
		n := &c.Nodes[i]
		checkNode(checker{file: n.source(), faults: &faults}, n, c.OS)
	}
	checkFamily(k, c)
	checkDuplicates(&faults, c.Nodes)
	faults.Sort()
	return faults
}

// ReadyForUp tells what is still missing before machines can be made a
// cluster of: a number of controllers that can hold a majority, and a node for
// each ingress class. The error is Faults.
func (c *Cluster) ReadyForUp() error {
	return append(c.unserved(), c.unled()...).Err()
}

// unled is the fault in the number of controllers.
func (c *Cluster) unled() Faults {
	const right = "make it 1, 3 or 5 (kbm add-node NAME --role controller …)"
	n := len(c.Controllers())
	fault := Fault{File: NodesDir, Right: right}
	switch {
	case n == 0:
		fault.Wrong = "holds no controller"
	case n > MaxControllers:
		fault.Wrong = fmt.Sprintf("holds %d controllers: more than %d only slow etcd down", n, MaxControllers)
	case n%2 == 0:
		fault.Wrong = fmt.Sprintf("holds %d controllers: an even number survives no more losses than one fewer", n)
	default:
		return nil
	}
	return Faults{fault}
}
