package provision

import (
	"context"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/pki"
)

// Env is what a run is given: the wanted state, and the ways to the machines.
type Env struct {
	Cluster *cluster.Cluster
	PKI     *pki.Set
	Bundle  bundle.Manifest
	Source  ArtefactSource
	// Addons are those of the cluster, rendered with every secret.
	Addons []addons.Addon
	// Connect reaches one machine.
	Connect func(ctx context.Context, n *cluster.Node) (Host, error)
	// Admin makes a short-lived client certificate of the given identity.
	Admin  func(user string, groups ...string) (pki.Pair, error)
	Report Reporter
	Now    func() time.Time
	// Owner is who holds the lock, as the refused one reads it.
	Owner string
	// Parallel caps how many machines are worked on at once.
	Parallel int
}

// run is the state of one run: what was learnt so far, step by step.
type run struct {
	Env
	nodes  []*machine
	engine *addons.Engine
	api    *rest.Config
	kube   *kubernetes.Clientset
	// born is true while no etcd member has ever worked: see unborn.
	born bool
	// fresh is true when no API server answered, so that nothing is known of
	// the objects in it.
	fresh   bool
	changes []addons.Change
	// objects names the nodes whose Node object differs from the spec.
	objects []string
	// idle is true when there was nothing to do, and so nothing to tell.
	idle    bool
	release []func() error
}

// machine is one node within a run.
type machine struct {
	node    *cluster.Node
	host    Host
	want    ignition.Machine
	facts   Facts
	plan    NodePlan
	etcd    etcdState
	fault   error // why it cannot be worked on
	written bool  // the plan's files are on the disk
	walled  bool  // its firewall is up, and has let kbm in again
	ready   bool  // Kubernetes says so
	worry   concern
}

func newRun(env Env) *run {
	r := &run{Env: env}
	for i := range env.Cluster.Nodes {
		r.nodes = append(r.nodes, &machine{node: &env.Cluster.Nodes[i]})
	}
	return r
}

// sound are the machines that can be worked on, as far as is known.
func (r *run) sound() []*machine {
	return r.where(func(m *machine) bool { return m.fault == nil })
}

func (r *run) controllers() []*machine {
	return r.where(func(m *machine) bool { return m.node.Role == cluster.Controller })
}

func (r *run) others() []*machine {
	return r.where(func(m *machine) bool { return m.node.Role != cluster.Controller })
}

func (r *run) where(chosen func(*machine) bool) []*machine {
	var out []*machine
	for _, m := range r.nodes {
		if chosen(m) {
			out = append(out, m)
		}
	}
	return out
}

func (r *run) report(node, step string, state State, detail string) {
	r.Report.Report(Event{Node: node, Step: step, State: state, Detail: detail})
}
