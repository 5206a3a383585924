package pki

import (
	"fmt"

	"github.com/kbm-dev/kbm/cluster"
)

// leaf returns the stored certificate, or a new one where that will not do.
func (e *ensurer) leaf(b *batch, p profile, n *cluster.Node) (Pair, error) {
	node := ""
	if n != nil {
		node = n.Name
	}
	at := base(p.name, node)
	old, err := readPair(e.store, at)
	if err != nil {
		return Pair{}, err
	}
	want := p.request(e.cluster, n)
	ca := e.authorities[p.signer]
	why, err := e.unusable(old, want, ca, at)
	if err != nil || why == "" {
		return old, err
	}
	pair, err := issue(want, ca, e.now, e.rand)
	if err != nil {
		return Pair{}, fmt.Errorf("issue %s: %w", shown(at)+".crt", err)
	}
	b.addPair(why, at, pair)
	return pair, nil
}

// unusable says why a stored pair has to be replaced. What is there but cannot
// be read is an error: kbm did not write it, so it may be somebody's mistake.
func (e *ensurer) unusable(old Pair, want request, ca *authority, at string) (string, error) {
	switch {
	case old.Cert == nil:
		return "new", nil
	case old.Key == nil:
		return "its key was missing", nil
	}
	cert, err := parseCert(old.Cert)
	if err != nil {
		return "", broken(at+".crt", err)
	}
	key, err := parseKey(old.Key)
	if err != nil {
		return "", broken(at+".key", err)
	}
	if !samePublic(cert.PublicKey, key.Public()) {
		return "its key belongs to another certificate", nil
	}
	return want.stale(cert, ca, e.now), nil
}

func broken(name string, err error) error {
	return fmt.Errorf("%s is %w: remove it, and kbm issues it anew", shown(name), err)
}
