package cmd

import (
	"crypto/rand"
	"time"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/pki"
	"github.com/kbm-dev/kbm/provision"
)

// machine is everything that the medium of a node may carry.
func (r *renderer) machine(n *cluster.Node, set *pki.Set) (ignition.Machine, error) {
	in := ignition.Input{Cluster: r.cluster, Node: n, PKI: set, Bundle: r.bundle}
	m, err := ignition.Build(in)
	if err != nil || !r.embed.secrets {
		return m, err
	}
	if m, err = provision.FromMedium(m); err != nil || n.Role != cluster.Controller {
		return m, err
	}
	return r.begin.Begin(in, m)
}

// firstBoot is what controllers do for the cluster where no kbm comes.
func (r *renderer) firstBoot(set *pki.Set) (*ignition.FirstBoot, error) {
	f := &ignition.FirstBoot{}
	var err error
	if f.Admin, err = pki.EnsureFirstBoot(r.store, set, r.cluster, time.Now(), rand.Reader); err != nil {
		return nil, err
	}
	// None of these addons has a secret in it.
	all, err := addons.Render(r.cluster, addons.Review{Dir: r.cluster.Dir})
	if err != nil {
		return nil, err
	}
	if f.Objects, f.Inventory, err = addons.FirstBoot(all); err != nil {
		return nil, err
	}
	f.Nodes, err = provision.NodePatches(r.cluster)
	return f, err
}
