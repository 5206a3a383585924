package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/ignition"
)

// member is one line of etcd's member list.
type member struct {
	ID         uint64   `json:"ID"`
	Name       string   `json:"name"` // empty until a member that was added has started
	PeerURLs   []string `json:"peerURLs"`
	ClientURLs []string `json:"clientURLs"` // empty until it has served
	IsLearner  bool     `json:"isLearner"`
}

// unborn is true as long as etcd may be begun on all controllers at once: no
// member has ever served, so there is nothing to lose, and those that hold data
// already began with the very members that the others are to begin with. Two
// sets of members that begin apart would be two clusters.
func unborn(controllers []*machine) bool {
	return !slices.ContainsFunc(controllers, func(m *machine) bool {
		return m.etcd.formed || m.etcd.joining || m.etcd.data && m.etcd.begun != initialFile(m)
	})
}

// initialFile is what the spec says that the machine's member begins with.
func initialFile(m *machine) string {
	for _, f := range m.want.Files {
		if f.Path == ignition.EtcdInitialFile {
			return string(f.Content)
		}
	}
	return ""
}

// standing is how a controller stands to a cluster that runs.
type standing int

const (
	belongs  standing = iota // it is a member, and has its data
	stranger                 // it is to be added, as a learner
	expected                 // it is in the list, and has never run
)

// standingOf decides from the member list. What it cannot decide is a fault
// that a person has to mend: the error says how, given a way to run etcdctl.
func standingOf(name, peer string, hasData bool, members []member, etcdctl string) (standing, error) {
	known, ok := find(members, peer)
	switch {
	case hasData && !ok:
		return 0, fmt.Errorf("%s: etcd has no member with its address %s any more, but its data is still there: if the member was taken out on purpose, remove the data by kbm ssh %s -- rm -rf /var/lib/etcd/member, and kbm up lets it join anew",
			name, peer, name)
	case hasData:
		return belongs, nil
	case !ok:
		return stranger, nil
	case len(known.ClientURLs) > 0:
		return 0, fmt.Errorf("%s: its etcd data is gone, and the cluster still counts on its member: take that out by %s member remove %s, and kbm up lets it join anew",
			name, etcdctl, memberID(known.ID))
	}
	return expected, nil
}

func find(members []member, peer string) (member, bool) {
	i := slices.IndexFunc(members, func(m member) bool { return slices.Contains(m.PeerURLs, peer) })
	if i < 0 {
		return member{}, false
	}
	return members[i], true
}

// joinEnv is what the member with this name and address needs to join the
// others. It must name exactly the members that the cluster knows.
func joinEnv(name, peer string, members []member) string {
	initial := []string{name + "=" + peer}
	for _, m := range members {
		if slices.Contains(m.PeerURLs, peer) {
			continue
		}
		for _, url := range m.PeerURLs {
			other := m.Name
			if other == "" {
				other = memberID(m.ID) // added, and not started yet
			}
			initial = append(initial, other+"="+url)
		}
	}
	return "ETCD_INITIAL_CLUSTER=" + strings.Join(initial, ",") + "\nETCD_INITIAL_CLUSTER_STATE=existing\n"
}

// checkEtcd finds, before the first write, controllers that cannot become
// members. It asks only where there is something to do on a controller.
func (r *run) checkEtcd(ctx context.Context) error {
	if r.born || !slices.ContainsFunc(r.controllers(), func(m *machine) bool { return !m.plan.Empty() || !m.etcd.data }) {
		return nil
	}
	if !slices.ContainsFunc(r.controllers(), func(m *machine) bool { return m.etcd.data }) {
		return fmt.Errorf("etcd's data is gone on every controller, and %s says that there was some: restore it, or, to begin with an empty cluster, remove that file on each of them", formedFile)
	}
	if !slices.ContainsFunc(r.controllers(), (*machine).etcdRuns) {
		return nil // it may only have to be started: the roll finds out
	}
	via, members, err := r.members(ctx)
	if err != nil {
		return nil // likewise
	}
	var errs []error
	for _, m := range r.controllers() {
		_, err := r.standing(m, via, members)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *run) standing(m, via *machine, members []member) (standing, error) {
	return standingOf(m.node.Name, peerURL(m), m.etcd.data, members, "kbm ssh "+via.node.Name+" -- "+r.etcdctlPath(via))
}

// joinEtcd prepares a controller that has no data to join the running cluster,
// as a learner: it has no vote until it has caught up.
func (r *run) joinEtcd(ctx context.Context, m *machine) error {
	via, members, err := r.members(ctx)
	if err != nil {
		return fmt.Errorf("%s cannot join: %w", m.node.Name, err)
	}
	is, err := r.standing(m, via, members)
	if err != nil {
		return err
	}
	r.report(m.node.Name, "join etcd", Started, "")
	if is == stranger {
		if _, err := r.etcdctl(ctx, via, "member add "+m.node.Name+" --learner --peer-urls="+peerURL(m)); err != nil {
			return err
		}
	}
	ctx, cancel := shortly(ctx)
	defer cancel()
	_, err = m.host.Run(ctx, Command{
		Script: "mkdir -p " + stateDir + " && cat >" + joinFile + ".new && sync " + joinFile + ".new && mv " + joinFile + ".new " + joinFile,
		Stdin:  strings.NewReader(joinEnv(m.node.Name, peerURL(m), members)),
	})
	if err != nil {
		return fmt.Errorf("tell %s who is in the cluster: %w", m.node.Name, err)
	}
	m.etcd.joining = true
	return nil
}
