package external

import (
	"slices"
	"strings"
)

// List is what the names of a LAN are printed from.
type List struct {
	Cluster string `json:"cluster"`
	// Source says where the names come from, for the first line of what is printed.
	Source string `json:"source"`
	Names  []Name `json:"names"`
}

// Dnsmasq is a file for /etc/dnsmasq.d.
func (l List) Dnsmasq() ([]byte, error) { return render("dnsmasq.conf", l) }

// UCI is a shell script for an OpenWrt router. Run again, it first takes out
// what it put there.
func (l List) UCI() ([]byte, error) { return render("uci.sh", l) }

// Exact are the names without wildcards.
func (l List) Exact() []Name {
	return slices.DeleteFunc(slices.Clone(l.Names), Name.Wildcard)
}

// Wildcards are the other names.
func (l List) Wildcards() []Name {
	return slices.DeleteFunc(slices.Clone(l.Names), func(n Name) bool { return !n.Wildcard() })
}

// Covered tells whether there is a wildcard for the names below base.
func (l List) Covered(base string) bool {
	return slices.ContainsFunc(l.Names, func(n Name) bool { return n.Wildcard() && n.Base() == base })
}

// Section is the name of a section of the cluster's own in a router's
// configuration, which knows no hyphens in names.
func (l List) Section() string { return "kbm_" + strings.ReplaceAll(l.Cluster, "-", "_") }
