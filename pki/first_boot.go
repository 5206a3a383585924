package pki

import (
	"crypto/x509"
	"io"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

// firstBoot is no row of the table, for few clusters have it: with it, a
// controller that no kbm comes to makes the first objects of its cluster, before
// any rights were given to anybody. It leaves the machine when they are there.
func firstBoot() profile {
	return profile{
		name: "first-boot", signer: CA, cn: "kbm-first-boot", orgs: []string{"system:masters"},
		usage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// EnsureFirstBoot returns that certificate, and issues it under the rules of
// Ensure, which gave set. It is kept, so that a medium stays the same.
func EnsureFirstBoot(store Store, set *Set, c *cluster.Cluster, now time.Time, rand io.Reader) (Pair, error) {
	ca, err := parseAuthority(set.Get(CA))
	if err != nil {
		return Pair{}, broken(base(CA, "")+".crt", err)
	}
	e := &ensurer{store: store, cluster: c, now: now, rand: rand, authorities: map[Name]*authority{CA: ca}}
	b := &batch{}
	pair, err := e.leaf(b, firstBoot(), nil)
	if err != nil {
		return Pair{}, err
	}
	return pair, e.write(set, []*batch{b})
}
