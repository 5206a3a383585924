package pki

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

// Renew is Ensure that also issues the chosen certificates anew: which names
// files (nodes/cp1/apiserver), nodes, or certificates of every node that has
// one. None chooses every certificate that is not a CA's.
func Renew(store Store, c *cluster.Cluster, which []string, now time.Time, rand io.Reader) (*Set, error) {
	hidden, err := choose(c, which)
	if err != nil {
		return nil, err
	}
	// First as ever: with its certificates hidden, a folder that lost its CA
	// looks like one that never had any.
	before, err := Ensure(store, c, now, rand)
	if err != nil {
		return nil, err
	}
	set, err := Ensure(renewing{Store: store, hidden: hidden}, c, now, rand)
	if err != nil {
		return nil, err
	}
	for i, change := range set.Changes {
		if hidden[strings.TrimPrefix(change.Path, Dir+"/")] {
			set.Changes[i].Why = "renewed"
		}
	}
	set.Changes = append(before.Changes, set.Changes...)
	return set, nil
}

// choose finds the files of the chosen certificates.
func choose(c *cluster.Cluster, which []string) (map[string]bool, error) {
	files, found := map[string]bool{}, map[string]bool{}
	match := func(node string, list []profile) {
		for _, p := range list {
			at := base(p.name, node)
			for _, w := range which {
				if w == at || w == node || w == string(p.name) {
					files[at+".crt"], found[w] = true, true
				}
			}
			if len(which) == 0 {
				files[at+".crt"] = true
			}
		}
	}
	match("", leaves(c, nil))
	for i := range c.Nodes {
		match(c.Nodes[i].Name, leaves(c, &c.Nodes[i]))
	}
	if i := slices.IndexFunc(which, func(w string) bool { return !found[w] }); i >= 0 {
		return nil, fmt.Errorf("%q names nothing that can be renewed: use a node, or a certificate such as %s or nodes/NODE/%s; a CA is never renewed", which[i], APIServer, KubeletClient)
	}
	return files, nil
}

// renewing hides certificates, so that Ensure takes them for missing.
type renewing struct {
	Store
	hidden map[string]bool
}

func (r renewing) Read(name string) ([]byte, error) {
	if r.hidden[name] {
		return nil, nil
	}
	return r.Store.Read(name)
}
