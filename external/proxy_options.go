package external

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// ProxyOptions are what the spec does not know of the proxy in front.
type ProxyOptions struct {
	Cluster *cluster.Cluster
	// Classes are the ways in that the proxy leads to.
	Classes []cluster.IngressClass
	// Names tell which names belong to which of several classes.
	Names []Name
	// Addresses are those of classes that the spec does not tell: by class.
	Addresses map[string][]string

	// Listen are the addresses that the proxy takes connections at.
	Listen []string
	// The ports that it takes them at; 0 leaves that part out.
	APIPort, HTTPPort, HTTPSPort int
	// CAFile is where the proxy has the cluster's CA, which the API servers are
	// verified with when they are checked. Empty: they need only take a connection.
	CAFile string

	// HTTPS and HTTP are names that lead elsewhere, to HOST:PORT.
	HTTPS, HTTP []Elsewhere
	// HTTPSDefault and HTTPDefault, as HOST:PORT, get the names that nobody
	// claims. Unless set, the default class gets them.
	HTTPSDefault, HTTPDefault string

	// Stats is the HOST:PORT of the statistics; empty for none.
	Stats string
	// User and Group that HAProxy becomes; empty to stay who it is.
	User, Group string
	// Connections that it takes at once.
	Connections int
}

// Elsewhere leads a name out of the cluster.
type Elsewhere struct {
	Name string
	// To is HOST:PORT.
	To string
}

// check refuses what would make another configuration of the words, or none.
func (o ProxyOptions) check() error {
	for _, n := range o.Names {
		if err := n.check(); err != nil {
			return err
		}
	}
	targets := []string{o.HTTPSDefault, o.HTTPDefault}
	for _, e := range slices.Concat(o.HTTPS, o.HTTP) {
		if err := (Name{Name: e.Name, From: e.Name + "=" + e.To}).check(); err != nil {
			return err
		}
		targets = append(targets, e.To)
	}
	for _, to := range append(targets, o.Stats) {
		if to != "" && !isHostPort(to) {
			return fmt.Errorf("%q is not HOST:PORT, such as 192.168.1.5:443", to)
		}
	}
	for _, word := range append([]string{o.CAFile, o.User, o.Group}, o.Listen...) {
		if strings.ContainsAny(word, " \t\n\"'\\#") {
			return fmt.Errorf("%q has a character that HAProxy would misread", word)
		}
	}
	return o.distinctPorts()
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, portErr := strconv.Atoi(port)
	return err == nil && portErr == nil && n > 0 && n < 65536 && host != "" && !strings.ContainsAny(host, " \t\n\"'\\#%")
}

func (o ProxyOptions) distinctPorts() error {
	parts := map[int]string{}
	for _, part := range []struct {
		name string
		port int
	}{{"the API", o.APIPort}, {"HTTP", o.HTTPPort}, {"HTTPS", o.HTTPSPort}} {
		if other, taken := parts[part.port]; taken && part.port != 0 {
			return fmt.Errorf("%s and %s both listen at port %d: give one of them another, or 0 to leave it out", other, part.name, part.port)
		}
		parts[part.port] = part.name
	}
	return nil
}
