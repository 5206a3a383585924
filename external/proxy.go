package external

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// Proxy is a HAProxy in front of a cluster, as data: what the template prints.
type Proxy struct {
	Cluster string `json:"cluster"`
	// User and Group that HAProxy becomes once it listens; empty to stay who it is.
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
	// Connections that it takes at once.
	Connections int        `json:"connections"`
	Frontends   []Frontend `json:"frontends"`
	Backends    []Backend  `json:"backends"`
	// Stats is the address and port of the statistics; empty for none.
	Stats string `json:"stats,omitempty"`
}

// Frontend listens, and tells connections apart by the name that they ask for.
type Frontend struct {
	Name string `json:"name"`
	// Listen are addresses with a port.
	Listen []string `json:"listen"`
	// By is sni or host where there are routes.
	By string `json:"by,omitempty"`
	// Routes are tried in this order: exact names, then wildcards, the one that
	// says most first.
	Routes []Route `json:"routes,omitempty"`
	// Default is the backend of all other names.
	Default string `json:"default"`
}

// The ways in which a connection tells the name that it asks for. Plain HTTP is
// passed on like TLS, by its first request, rather than taken apart by HAProxy's
// mode http: all traffic then reaches the ingress as the client sent it, and the
// client's address in the same way, by the PROXY protocol.
const (
	bySNI  = "sni"
	byHost = "host"
)

// Route leads a name to a backend.
type Route struct {
	// Name is exact, or begins with "*.".
	Name    string `json:"name"`
	Backend string `json:"backend"`
}

// Suffix is what all names of a wildcard end with; empty for an exact name.
func (r Route) Suffix() string {
	if rest, ok := strings.CutPrefix(r.Name, "*"); ok {
		return rest
	}
	return ""
}

// Backend is a set of servers of which each would do.
type Backend struct {
	Name string `json:"name"`
	// Check is how a server proves that it works; empty for: it takes a connection.
	Check string `json:"check,omitempty"`
	// CAFile verifies the servers of the API when they are checked.
	CAFile string `json:"caFile,omitempty"`
	// ProxyProtocol tells the servers the client's address.
	ProxyProtocol bool     `json:"proxyProtocol,omitempty"`
	Servers       []Server `json:"servers"`
}

// The checks of servers.
const (
	checkAPI  = "api"  // /readyz answers 200, over TLS that is verified
	checkHTTP = "http" // a request is answered, in whatever way
	checkTLS  = "tls"  // a TLS handshake is answered
)

// Server is one of a backend.
type Server struct {
	Name string `json:"name"`
	// Address has a port.
	Address string `json:"address"`
}

// HAProxy is the configuration file.
func (p Proxy) HAProxy() ([]byte, error) { return render("haproxy.cfg", p) }

// servers are addresses as a backend lists them, with names by which people
// know them.
func servers(c *cluster.Cluster, addresses []string, port int) []Server {
	out := []Server{}
	for _, address := range addresses {
		name := "s" + strconv.Itoa(len(out)+1)
		if at := slices.IndexFunc(c.Nodes, func(n cluster.Node) bool { return n.IP().String() == address }); at >= 0 {
			name = c.Nodes[at].Name
		}
		out = append(out, Server{Name: name, Address: net.JoinHostPort(address, strconv.Itoa(port))})
	}
	return out
}
