package cluster

import "path/filepath"

// BundleDir is the bundle's folder as a path that can be opened; empty where
// the spec names none.
func (c *Cluster) BundleDir() string {
	if dir := c.Bundle.Dir; dir == "" || filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(c.Dir, c.Bundle.Dir)
}
