package external

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Name is a name that people use and where it leads.
type Name struct {
	// Name is a DNS name in small letters without a dot at its end. It may begin
	// with "*.", as an Ingress' host may.
	Name string `json:"name"`
	// Addresses are IPv4 and IPv6; sorted.
	Addresses []string `json:"addresses"`
	// Class is the ingress class that serves it; empty for another Service.
	Class string `json:"class,omitempty"`
	// From says where it was found, for people.
	From string `json:"from"`
}

// Wildcard tells whether the name stands for all names below Base.
func (n Name) Wildcard() bool { return strings.HasPrefix(n.Name, "*.") }

// Base is the name without its wildcard.
func (n Name) Base() string { return strings.TrimPrefix(n.Name, "*.") }

// check refuses what is no name or no address. It is what keeps an annotation
// of some Service from becoming a line of a router's configuration.
func (n Name) check() error {
	faults := validation.IsDNS1123Subdomain(n.Name)
	if n.Wildcard() {
		faults = validation.IsWildcardDNS1123Subdomain(n.Name)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s: %s is not a DNS name", n.From, strconv.Quote(n.Name))
	}
	for _, address := range n.Addresses {
		if _, err := netip.ParseAddr(address); err != nil {
			return fmt.Errorf("%s: %s leads to %s, which is not an address", n.From, n.Name, strconv.Quote(address))
		}
	}
	return nil
}

// Join sorts names and makes one of those that are there twice. A name that
// several of the cluster's ways in serve has to lead to one of them: it is the
// one that comes first in order, a list of classes; without any order, it is
// an error.
func Join(names []Name, order []string) ([]Name, error) {
	names = slices.Clone(names)
	rank := func(n Name) int {
		if at := slices.Index(order, n.Class); at >= 0 {
			return at
		}
		return len(order)
	}
	slices.SortStableFunc(names, func(a, b Name) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Class, b.Class), cmp.Compare(a.From, b.From))
	})
	joined := []Name{}
	for _, n := range names {
		if err := n.check(); err != nil {
			return nil, err
		}
		last := len(joined) - 1
		switch {
		case last < 0 || joined[last].Name != n.Name:
			n.Addresses = sorted(n.Addresses)
			joined = append(joined, n)
		case joined[last].Class == n.Class:
			joined[last].Addresses = sorted(slices.Concat(joined[last].Addresses, n.Addresses))
		case len(order) == 0 && !slices.Equal(joined[last].Addresses, sorted(n.Addresses)):
			return nil, fmt.Errorf("%s leads to two places (%s, and %s): choose with --class", n.Name, joined[last].From, n.From)
		}
	}
	return joined, nil
}

// sorted puts IPv4 before IPv6, and each address there once. What is not an
// address was refused before.
func sorted(addresses []string) []string {
	out := slices.Clone(addresses)
	slices.SortFunc(out, func(a, b string) int {
		left, _ := netip.ParseAddr(a)
		right, _ := netip.ParseAddr(b)
		return left.Compare(right)
	})
	return slices.Compact(out)
}
