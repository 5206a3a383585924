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
)

const (
	etcdDeadline = 2 * time.Minute
	joinFile     = "/var/lib/kbm/etcd-join.env"
	// etcdctl asks the member on the same machine.
	etcdctl = `etcdctl() {
	ETCDCTL_API=3 command "$BIN/etcdctl" --endpoints=https://127.0.0.1:2379 \
		--cacert=/etc/kubernetes/pki/etcd/ca.crt \
		--cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt \
		--key=/etc/kubernetes/pki/etcd/healthcheck-client.key "$@"
}
`
)

// member is one line of etcd's member list.
type member struct {
	ID        uint64   `json:"ID"`
	Name      string   `json:"name"`
	PeerURLs  []string `json:"peerURLs"`
	IsLearner bool     `json:"isLearner"`
}

func (r *run) etcdctl(ctx context.Context, m *machine, args string) ([]byte, error) {
	ctx, cancel := shortly(ctx)
	defer cancel()
	bin := r.Cluster.OSOf(m.node).BinDir
	out, err := m.host.Run(ctx, Command{Script: "BIN=" + bin + "\n" + etcdctl + "etcdctl " + args})
	if err != nil {
		return nil, fmt.Errorf("ask etcd on %s: %w", m.node.Name, err)
	}
	return out.Stdout, nil
}

func peerURL(m *machine) string {
	return "https://" + net.JoinHostPort(m.node.IP().String(), "2380")
}

// joinEtcd makes a controller that has no data yet a learner of the running
// cluster. Whoever is in the list already needs nothing: it was part of the
// cluster from the start, and was only not started yet.
func (r *run) joinEtcd(ctx context.Context, m *machine) error {
	if m.etcdData {
		return nil
	}
	via, members, err := r.members(ctx)
	if err != nil {
		return err
	}
	known, ok := find(members, peerURL(m))
	switch {
	case ok && !known.IsLearner && known.Name != "":
		return nil
	case !ok:
		r.report(m.node.Name, "join etcd", Started, "as a learner")
		if _, err := r.etcdctl(ctx, via, "member add "+m.node.Name+" --learner --peer-urls="+peerURL(m)); err != nil {
			return err
		}
	}
	var initial []string
	for _, other := range members {
		if other.Name != "" {
			initial = append(initial, other.Name+"="+other.PeerURLs[0])
		}
	}
	initial = append(initial, m.node.Name+"="+peerURL(m))
	env := "ETCD_INITIAL_CLUSTER=" + strings.Join(initial, ",") + "\nETCD_INITIAL_CLUSTER_STATE=existing\n"
	m.learner = true
	_, err = m.host.Run(ctx, Command{
		Script: "mkdir -p /var/lib/kbm && cat >" + joinFile,
		Stdin:  strings.NewReader(env),
	})
	return err
}

// members asks any controller whose etcd answers.
func (r *run) members(ctx context.Context) (*machine, []member, error) {
	var last error
	for _, m := range r.controllers() {
		if !m.etcdData {
			continue
		}
		out, err := r.etcdctl(ctx, m, "member list --write-out=json --hex=false")
		if err != nil {
			last = err
			continue
		}
		var list struct {
			Members []member `json:"members"`
		}
		if err := json.NewDecoder(bytes.NewReader(out)).Decode(&list); err != nil {
			return nil, nil, fmt.Errorf("member list of etcd on %s: %w", m.node.Name, err)
		}
		return m, list.Members, nil
	}
	return nil, nil, fmt.Errorf("no etcd member answers, so nobody can join: %w", last)
}

func find(members []member, peer string) (member, bool) {
	for _, m := range members {
		for _, url := range m.PeerURLs {
			if url == peer {
				return m, true
			}
		}
	}
	return member{}, false
}

// waitEtcd waits until the member on this machine is healthy, and makes a
// learner a voter as soon as it has caught up.
func (r *run) waitEtcd(ctx context.Context, m *machine) error {
	err := poll(ctx, etcdDeadline, 200*time.Millisecond, func(ctx context.Context) error {
		if m.learner {
			return r.promote(ctx, m)
		}
		_, err := r.etcdctl(ctx, m, "endpoint health")
		return err
	})
	if err != nil {
		return fmt.Errorf("etcd of %s: %w", m.node.Name, err)
	}
	return nil
}

func (r *run) promote(ctx context.Context, m *machine) error {
	via, members, err := r.members(ctx)
	if err != nil {
		return err
	}
	known, ok := find(members, peerURL(m))
	if !ok {
		return permanent(fmt.Errorf("the member has left the list: run `kbm up` again"))
	}
	if known.IsLearner {
		if _, err := r.etcdctl(ctx, via, "member promote "+strconv.FormatUint(known.ID, 16)); err != nil {
			return err
		}
	}
	m.learner = false
	_, err = m.host.Run(ctx, Command{Script: "rm -f " + joinFile})
	return err
}
