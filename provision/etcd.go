package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/kbm-dev/kbm/ignition"
)

const (
	etcdUnit     = "etcd.service"
	etcdDeadline = 2 * time.Minute
	// joinFile tells a member that joins a running cluster who is in it.
	joinFile = stateDir + "/etcd-join.env"
	// formedFile is made by the unit when its member serves for the first time.
	formedFile = stateDir + "/etcd-formed"
)

// etcdState is what the disk of a controller says of its etcd member.
type etcdState struct {
	data    bool   // it holds a member's data
	formed  bool   // the member has once served, as a part of a cluster with a majority
	joining bool   // it was told to join a running cluster, and may still be a learner
	begun   string // content of the file that names the members it begins with
}

func (r *run) lookAtEtcd(ctx context.Context, m *machine) error {
	ctx, cancel := shortly(ctx)
	defer cancel()
	out, err := m.host.Run(ctx, Command{Script: "test ! -e " + formedFile + " || echo formed\n" +
		"test ! -e " + joinFile + " || echo joining\necho =\ncat " + ignition.EtcdInitialFile + " 2>/dev/null || true"})
	if err != nil {
		return fmt.Errorf("look at etcd on %s: %w", m.node.Name, err)
	}
	marks, begun, _ := strings.Cut(string(out.Stdout), "=\n")
	_, data := m.facts.Paths[ignition.EtcdDataPath]
	m.etcd = etcdState{
		data:    data,
		formed:  strings.Contains(marks, "formed"),
		joining: strings.Contains(marks, "joining"),
		begun:   begun,
	}
	if m.etcd.data && m.etcd.joining {
		m.plan.add(Change{Action: Promote, Object: etcdUnit, Reason: "its member is still a learner, which has no vote"})
	}
	return nil
}

// etcdRuns is false when an API server on this machine cannot answer, however
// long one waits: it asks the member beside it.
func (m *machine) etcdRuns() bool { return m.facts.Units[etcdUnit].Running() }

// etcdctl asks the member on the same machine, or changes the list of members
// through it. The script is one that kbm put there.
func (r *run) etcdctl(ctx context.Context, m *machine, args string) ([]byte, error) {
	ctx, cancel := shortly(ctx)
	defer cancel()
	out, err := m.host.Run(ctx, Command{Script: r.etcdctlPath(m) + " " + args})
	if err != nil {
		return nil, fmt.Errorf("ask etcd on %s: %w", m.node.Name, err)
	}
	return out.Stdout, nil
}

func (r *run) etcdctlPath(m *machine) string {
	return r.Cluster.OSOf(m.node).BinDir + "/kbm-etcdctl"
}

// members asks any controller whose etcd answers. A member answers only when
// the cluster has a majority.
func (r *run) members(ctx context.Context) (via *machine, list []member, err error) {
	for _, m := range r.controllers() {
		if !m.etcd.data {
			continue
		}
		var out []byte
		if out, err = r.etcdctl(ctx, m, "member list --write-out=json --hex=false"); err != nil {
			continue
		}
		var answer struct {
			Members []member `json:"members"`
		}
		if err := json.NewDecoder(bytes.NewReader(out)).Decode(&answer); err != nil {
			return nil, nil, fmt.Errorf("member list of etcd on %s: %w", m.node.Name, err)
		}
		return m, answer.Members, nil
	}
	return nil, nil, fmt.Errorf("no member of etcd answers: %w", err)
}

func peerURL(m *machine) string {
	return "https://" + net.JoinHostPort(m.node.IP().String(), "2380")
}

// etcdHealth is nil when the member on this machine takes part in a cluster
// that has a majority.
func (r *run) etcdHealth(ctx context.Context, m *machine) error {
	_, err := r.etcdctl(ctx, m, "endpoint health")
	return err
}

// waitEtcd waits until the member on this machine is healthy, and makes a
// learner a voter as soon as it has caught up.
func (r *run) waitEtcd(ctx context.Context, m *machine) error {
	err := poll(ctx, etcdDeadline, 200*time.Millisecond, func(ctx context.Context) error {
		if m.etcd.joining {
			if err := r.promote(ctx, m); err != nil {
				return err
			}
		}
		return r.etcdHealth(ctx, m)
	})
	if err != nil {
		return fmt.Errorf("etcd of %s: %w", m.node.Name, err)
	}
	m.etcd.data = true
	return nil
}

func (r *run) promote(ctx context.Context, m *machine) error {
	via, members, err := r.members(ctx)
	if err != nil {
		return err
	}
	known, ok := find(members, peerURL(m))
	if !ok {
		return permanent(fmt.Errorf("somebody took its member out of the cluster meanwhile: run kbm up again"))
	}
	if known.IsLearner {
		if _, err := r.etcdctl(ctx, via, "member promote "+memberID(known.ID)); err != nil {
			return err
		}
		r.report(m.node.Name, "join etcd", Done, "its member has a vote now")
	}
	if _, err := m.host.Run(ctx, Command{Script: "rm -f " + joinFile}); err != nil {
		return err
	}
	m.etcd.joining = false
	return nil
}

// memberID is a member's ID as etcd writes it.
func memberID(id uint64) string { return strconv.FormatUint(id, 16) }
