package provision

import (
	"context"
	"fmt"
	"slices"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/ignition"
)

func connect(ctx context.Context, r *run) error {
	r.tryEach(ctx, r.nodes, func(ctx context.Context, m *machine) error { return connectOne(ctx, r, m) })
	return nil
}

func connectOne(ctx context.Context, r *run, m *machine) (err error) {
	r.report(m.node.Name, "connect", Started, "")
	m.host, err = r.Connect(ctx, m.node)
	return err
}

// lock takes the cluster's lock on every machine, so that two people who know
// different parts of the cluster cannot meet on one of them.
func lock(ctx context.Context, r *run) error {
	r.acquire(ctx, r.nodes)
	return nil
}

// acquire locks machines, and leaves the lock of another kbm as a fault.
func (r *run) acquire(ctx context.Context, machines []*machine) {
	released := make([]func() error, len(r.nodes))
	r.tryEach(ctx, machines, func(ctx context.Context, m *machine) (err error) {
		released[r.index(m)], err = Acquire(ctx, m.node.Name, m.host, r.Owner)
		return err
	})
	for _, release := range released {
		if release != nil {
			r.release = append(r.release, release)
		}
	}
}

// gather makes the wanted Machine of every node and learns what is there.
func gather(ctx context.Context, r *run) error {
	r.tryEach(ctx, r.nodes, r.gatherOne)
	r.tryEach(ctx, r.controllers(), r.lookAtEtcd)
	r.born = unborn(r.controllers())
	return nil
}

func (r *run) gatherOne(ctx context.Context, m *machine) (err error) {
	r.report(m.node.Name, "look", Started, "")
	m.want, err = ignition.Build(ignition.Input{Cluster: r.Cluster, Node: m.node, PKI: r.PKI, Bundle: &r.Bundle})
	if err != nil {
		return err
	}
	if m.facts, err = Gather(ctx, m.host, m.want, r.Now); err != nil {
		return fmt.Errorf("look at %s: %w", m.node.Name, err)
	}
	m.plan, err = Compare(m.want, m.facts)
	return err
}

// preflight refuses, before the first write, what could not end well: it tells
// everything that was found to be wrong since the run began.
func preflight(ctx context.Context, r *run) error {
	var faults []error
	var inputs []PreflightNode
	for _, m := range r.nodes {
		if m.fault != nil {
			faults = append(faults, m.fault)
			continue
		}
		inputs = append(inputs, PreflightNode{Node: m.node, Machine: m.want, Facts: m.facts, Plan: m.plan})
	}
	if len(faults) == 0 {
		// It takes all controllers to judge one.
		faults = append(faults, r.checkEtcd(ctx))
	}
	for _, p := range Preflight(r.Cluster, r.Bundle.Arch, inputs) {
		if p.Warning {
			r.report(p.Node, "check", Warned, p.What+": "+p.Cure)
			continue
		}
		faults = append(faults, p)
	}
	faults = flat(append(faults, r.checkEndpoint(ctx), r.verifyArtefacts(ctx)))
	if len(faults) > 0 {
		return &Faults{All: faults, Untouched: true}
	}
	return nil
}

// verifyArtefacts looks at the files that are to be sent, once in a run.
func (r *run) verifyArtefacts(ctx context.Context) error {
	var names []string
	for _, m := range r.sound() {
		for _, a := range m.plan.unarrived() {
			if a.URL == "" {
				names = append(names, a.Name)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return r.Source.Verify(ctx, slices.Compact(names)...)
}

// compareObjects asks a running API server what would change. Before the first
// `kbm up` there is none, and everything is to be made.
func compareObjects(ctx context.Context, r *run) error {
	for _, m := range r.controllers() {
		if !m.etcd.data || !m.etcdRuns() {
			continue
		}
		if err := r.connectAPI(m); err != nil {
			return err
		}
		if r.ready(ctx) != nil {
			r.api = nil
			continue
		}
		return r.planObjects(ctx)
	}
	r.fresh = true
	return nil
}

func (r *run) planObjects(ctx context.Context) (err error) {
	if r.engine, err = addons.New(r.api); err != nil {
		return err
	}
	if r.changes, err = r.engine.Plan(ctx, r.Addons); err != nil {
		return err
	}
	r.objects, err = r.compareNodes(ctx)
	return err
}

func pushArtefacts(ctx context.Context, r *run) error {
	return r.each(ctx, r.nodes, func(ctx context.Context, m *machine) error {
		const step = "push artefacts"
		if len(m.plan.unarrived()) == 0 {
			return nil
		}
		err := PushArtefacts(ctx, m.host, m.plan, r.Source, func(done, total int64) {
			r.Report.Report(Event{Node: m.node.Name, Step: step, State: Working, Bytes: done, Total: total})
		})
		if err == nil {
			r.report(m.node.Name, step, Done, fmt.Sprintf("%d MB", m.plan.ArtefactBytes()/1e6))
		}
		return err
	})
}

// diffFiles fetches the old text of what differs, to show it.
func diffFiles(ctx context.Context, r *run) error {
	return r.each(ctx, r.nodes, func(ctx context.Context, m *machine) error {
		return FetchDiffs(ctx, m.host, &m.plan)
	})
}

func (r *run) index(m *machine) int {
	for i := range r.nodes {
		if r.nodes[i] == m {
			return i
		}
	}
	return -1
}
