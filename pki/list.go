package pki

import (
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

// Entry is one certificate as people want to see it.
type Entry struct {
	Name    Name     `json:"name"`
	Node    string   `json:"node,omitempty"`
	Path    string   `json:"path"`
	Subject string   `json:"subject,omitempty"`
	SANs    []string `json:"sans,omitempty"`
	Issuer  string   `json:"issuer,omitempty"`
	// NotAfter is the zero time where there is no certificate.
	NotAfter time.Time `json:"notAfter,omitzero"`
	// Status is StatusOK, or why the next Ensure replaces the certificate
	// or, for a CA, what is wrong with it.
	Status string `json:"status"`
}

// StatusOK is the status of a certificate that stays.
const StatusOK = "ok"

// List tells of every certificate that the cluster has or should have, CAs
// first, then node by node. It reads certificates only: no key, no identity.
func List(store Store, c *cluster.Cluster, now time.Time) ([]Entry, error) {
	l := lister{store: store, cluster: c, now: now, authorities: map[Name]*authority{}}
	var entries []Entry
	add := func(list []profile, n *cluster.Node) error {
		for _, p := range list {
			entry, err := l.entry(p, n)
			if err != nil {
				return err
			}
			entries = append(entries, entry)
		}
		return nil
	}
	if err := add(roots(c), nil); err != nil {
		return nil, err
	}
	if err := add(leaves(c, nil), nil); err != nil {
		return nil, err
	}
	for i := range c.Nodes {
		if err := add(leaves(c, &c.Nodes[i]), &c.Nodes[i]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

type lister struct {
	store       Store
	cluster     *cluster.Cluster
	now         time.Time
	authorities map[Name]*authority // certificates only
}

func (l *lister) entry(p profile, n *cluster.Node) (Entry, error) {
	e := Entry{Name: p.name}
	if n != nil {
		e.Node = n.Name
	}
	name := base(p.name, e.Node) + ".crt"
	e.Path = shown(name)
	content, err := l.store.Read(name)
	if err != nil {
		return e, err
	}
	if content == nil {
		e.Status = "missing"
		return e, nil
	}
	cert, err := parseCert(content)
	if err != nil {
		e.Status = err.Error()
		return e, nil
	}
	e.Subject, e.Issuer = cert.Subject.String(), cert.Issuer.CommonName
	e.SANs, e.NotAfter, e.Status = sansOf(cert), cert.NotAfter, StatusOK
	want := p.request(l.cluster, n)
	if p.isCA() {
		ca := &authority{cert: cert}
		l.authorities[p.name] = ca
		if cert.NotAfter.Sub(l.now) < caLife/10 {
			e.Status = expiry(cert.NotAfter, l.now)
		}
		return e, nil
	}
	ca := l.authorities[p.signer]
	if ca == nil {
		e.Status = "its CA is missing"
		return e, nil
	}
	if why := want.stale(cert, ca, l.now); why != "" {
		e.Status = why
	}
	return e, nil
}
