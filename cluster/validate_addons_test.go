package cluster

import (
	"strings"
	"testing"
)

// withAddons is a cluster with every addon on and without a fault.
func withAddons() *Cluster {
	c := good()
	c.Nodes = append(c.Nodes, Node{Name: "x1", Role: Edge, Address: "192.168.1.13"})
	c.Network.Zones = map[string][]string{"corp.example.com": {"10.0.0.53"}}
	c.Network.Hosts = map[string]string{"nas.example.com": "192.168.1.5"}
	c.Addons = Addons{
		Ingress: &Ingress{Classes: []IngressClass{
			{Name: "external", Default: true, Publish: []string{"203.0.113.7"}, TrustedProxies: []string{"192.168.1.5", "10.0.0.0/8"}, Hosts: []string{"*.example.com"}},
			{Name: "internal", Expose: ThroughLoadBalancer, Pool: "lan", DefaultBackend: "web/not-found"},
			{Name: "high", Expose: NodePort},
		}},
		LoadBalancer: &LoadBalancer{
			Pools: []Pool{
				{Name: "lan", Addresses: []string{"192.168.1.240-192.168.1.250", "192.168.1.224/28"}},
				{Name: "far", Addresses: []string{"203.0.113.0/28"}, Protocol: BGP},
			},
			Peers: []BGPPeer{{Address: "192.168.1.1", ASN: 64512, MyASN: maxASN, Password: &Secret{Env: "BGP"}}},
		},
		DNS: &DNS{Provider: ProviderRFC2136, Domains: []string{"example.com"}, RFC2136: &RFC2136{
			Server: "192.168.1.53:5353", KeyName: "kbm.", Key: Secret{File: "secrets/tsig.age"},
		}},
		Certs: &Certs{Email: "me@example.com", Resolvers: []string{"1.1.1.1:53"}, Issuers: []Issuer{
			{Name: "pebble", Server: "https://acme.example.com:14000/dir", CAFile: "acme.pem", Class: "external", DNS01: []string{"example.com"}},
			{Name: "lan", PrivateCA: true},
		}},
		Auth: &Auth{
			IssuerURL: "https://sso.example.com/dex", ClientID: "kbm", ClientSecret: Secret{Env: "OIDC_SECRET"},
			Hosts: []string{"auth.example.com"}, CookieDomains: []string{".example.com"}, EmailDomains: []string{"*"},
			Options: map[string]string{"scope": "openid email"},
		},
		Metrics: &Metrics{},
		Extra: &Extra{
			Manifests: []string{"manifests"},
			TLS:       []TLSSecret{{Name: "app-tls", Cert: "app.crt", Key: "app.key"}},
			HTPasswd:  []HTPasswdSecret{{Name: "auth", File: "auth"}},
		},
	}
	return c.WithDefaults()
}

func TestGoodAddonsHaveNoFault(t *testing.T) {
	c := withAddons()
	if faults := c.Validate(); len(faults) > 0 {
		t.Error(faults)
	}
	if err := c.ReadyForUp(); err != nil {
		t.Error(err)
	}
}

// A row spoils one thing of the addons and names the one fault of it.
type addonRow struct {
	name  string
	spoil func(*Addons)
	want  string
}

func checkAddonRows(t *testing.T, rows []addonRow) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c := withAddons()
			row.spoil(&c.Addons)
			faults := c.Validate()
			if len(faults) != 1 {
				t.Fatalf("got %d faults, want one:\n%v", len(faults), faults)
			}
			for _, words := range strings.Split(row.want, "|") {
				if !strings.Contains(faults[0].String(), words) {
					t.Errorf("%q is not in: %s", words, faults[0])
				}
			}
			if faults[0].Right == "" || !strings.HasPrefix(faults[0].Path, "addons.") {
				t.Errorf("it does not say where, or what would be right: %s", faults[0])
			}
		})
	}
}

func TestOneFaultEachOfIngress(t *testing.T) {
	class := func(i int, f func(*IngressClass)) func(*Addons) {
		return func(a *Addons) { f(&a.Ingress.Classes[i]) }
	}
	checkAddonRows(t, []addonRow{
		{"no class", func(a *Addons) { a.Ingress.Classes = nil; a.Auth = nil; a.Certs = nil }, "addons.ingress.classes: is missing"},
		{"name", class(2, func(c *IngressClass) { c.Name = "High" }), `classes[2].name: "High" is not a name`},
		{"no name", class(2, func(c *IngressClass) { c.Name = "" }), "classes[2].name: is missing"},
		{"name twice", class(2, func(c *IngressClass) { c.Name = "external" }), "classes[2].name|is there twice"},
		{"two defaults", class(2, func(c *IngressClass) { c.Default = true }), "classes[2].default|also set at class external"},
		{"expose", class(2, func(c *IngressClass) { c.Expose = "hostnetwork" }), "classes[2].expose|hostNetwork, loadBalancer, nodePort"},
		{"no load balancer", func(a *Addons) { a.LoadBalancer = nil }, "classes[1].expose|no load balancer"},
		{"unknown pool", class(1, func(c *IngressClass) { c.Pool = "wan" }), "classes[1].pool|not a pool|write lan or far"},
		{"pool and address", class(1, func(c *IngressClass) { c.Address = "192.168.1.240" }), "classes[1].address|beside pool"},
		{"address of no pool", class(1, func(c *IngressClass) { c.Pool, c.Address = "", "192.168.1.99" }), "classes[1].address|in no pool"},
		{"address is none", class(1, func(c *IngressClass) { c.Pool, c.Address = "", "lan" }), "classes[1].address|is not an address"},
		{"nothing assigns", func(a *Addons) {
			off := false
			a.Ingress.Classes[1].Pool = ""
			a.LoadBalancer.Pools[0].AutoAssign, a.LoadBalancer.Pools[1].AutoAssign = &off, &off
		}, "classes[1].expose|gets no address"},
		{"pool without a balancer's way", class(0, func(c *IngressClass) { c.Pool = "lan" }), "classes[0].pool|not used with expose: hostNetwork"},
		{"roles without host network", class(1, func(c *IngressClass) { c.Roles = []Role{Edge} }), "classes[1].roles|not used with expose: loadBalancer"},
		{"role", class(0, func(c *IngressClass) { c.Roles = []Role{"gateway"} }), "classes[0].roles[0]|controller, worker, edge"},
		{"port range", class(2, func(c *IngressClass) { c.HTTPNodePort = 80 }), "classes[2].httpNodePort|30000 to 32767"},
		{"same port twice", class(2, func(c *IngressClass) { c.HTTPNodePort = 30443 }), "classes[2].httpsNodePort|also a port of class high"},
		{"ports of another class", func(a *Addons) {
			a.Ingress.Classes = append(a.Ingress.Classes, IngressClass{Name: "low", Expose: NodePort, HTTPNodePort: 30080, HTTPSNodePort: 30444, Replicas: 1})
		}, "classes[3].httpNodePort|also a port of class high"},
		{"nodes of another class", func(a *Addons) {
			a.Ingress.Classes = append(a.Ingress.Classes, IngressClass{Name: "low", Expose: HostNetwork, Roles: []Role{Worker, Edge}, Replicas: 1})
		}, "classes[3].roles|also a role of class external"},
		{"publish", class(0, func(c *IngressClass) { c.Publish = []string{"https://x.example.com"} }), "classes[0].publish[0]|is a URL"},
		{"proxy", class(0, func(c *IngressClass) { c.TrustedProxies = []string{"proxy"} }), "classes[0].trustedProxies[0]|is not an address or a network"},
		{"proxies of the world", class(0, func(c *IngressClass) { c.TrustedProxies = []string{"0.0.0.0/0"} }), "trustedProxies[0]|whole Internet"},
		{"proxy's host bits", class(0, func(c *IngressClass) { c.TrustedProxies = []string{"10.1.2.3/8"} }), "trustedProxies[0]|write 10.0.0.0/8"},
		{"backend", class(1, func(c *IngressClass) { c.DefaultBackend = "not-found" }), "classes[1].defaultBackend|NAMESPACE/NAME"},
		{"replicas", class(2, func(c *IngressClass) { c.Replicas = -1 }), "classes[2].replicas|1 to 100"},
		{"host", class(0, func(c *IngressClass) { c.Hosts = []string{"a_b.example.com"} }), "classes[0].hosts[0]|underscore"},
	})
}

func TestOneFaultEachOfLoadBalancer(t *testing.T) {
	pool := func(f func(*Pool)) func(*Addons) { return func(a *Addons) { f(&a.LoadBalancer.Pools[0]) } }
	addresses := func(all ...string) func(*Addons) { return pool(func(p *Pool) { p.Addresses = all }) }
	peer := func(f func(*BGPPeer)) func(*Addons) { return func(a *Addons) { f(&a.LoadBalancer.Peers[0]) } }
	checkAddonRows(t, []addonRow{
		{"no pool", func(a *Addons) {
			a.LoadBalancer = &LoadBalancer{}
			a.Ingress.Classes[1].Expose = HostNetwork
			a.Ingress.Classes[1].Roles = []Role{Worker}
			a.Ingress.Classes[1].Pool = ""
		}, "loadBalancer.pools: is missing"},
		{"no addresses", addresses(), "pools[0].addresses: is missing"},
		{"a word", addresses("lan"), "addresses[0]|is not a range"},
		{"one address", addresses("192.168.1.240"), "addresses[0]|write 192.168.1.240/32"},
		{"host bits", addresses("192.168.1.241/28"), "addresses[0]|write 192.168.1.240/28"},
		{"reversed", addresses("192.168.1.250-192.168.1.240"), "addresses[0]|ends before it begins"},
		{"two families", addresses("192.168.1.240-fd00::1"), "addresses[0]|is not a range"},
		{"octet", addresses("192.168.1.240-192.168.1.300"), "addresses[0]|is not a range"},
		{"of loopback", addresses("127.0.0.0/28"), "addresses[0]|no Service can have"},
		{"of groups", addresses("224.0.0.0/28"), "addresses[0]|no Service can have"},
		{"overlap", addresses("192.168.1.240/28", "192.168.1.250-192.168.1.251"), "addresses[1]|overlaps pool lan"},
		{"a node in it", addresses("192.168.1.12-192.168.1.20"), "addresses[0]|192.168.1.12, the address of node w1"},
		{"the gateway in it", addresses("192.168.1.1-192.168.1.9"), "addresses[0]|192.168.1.1, the gateway of node cp1"},
		{"the endpoint in it", addresses("192.168.1.10/32"), "addresses[0]|192.168.1.10, endpoint.vip"},
		{"pods", addresses("10.244.7.0/24"), "addresses[0]|overlaps network.podCIDR"},
		{"services", addresses("10.96.7.0/24"), "addresses[0]|overlaps network.serviceCIDR"},
		{"another family", addresses("fd00::/120"), "addresses[0]|another address family"},
		{"protocol", pool(func(p *Pool) { p.Protocol = "arp" }), "pools[0].protocol|layer2 or bgp"},
		{"interface", pool(func(p *Pool) { p.Interfaces = []string{"en*"} }), "interfaces[0]|not the name"},
		{"interfaces with bgp", func(a *Addons) { a.LoadBalancer.Pools[1].Interfaces = []string{"eno1"} }, "pools[1].interfaces|not used with protocol: bgp"},
		{"bgp alone", func(a *Addons) { a.LoadBalancer.Peers = nil }, "pools[1].protocol|no router"},
		{"peers alone", func(a *Addons) { a.LoadBalancer.Pools = a.LoadBalancer.Pools[:1] }, "loadBalancer.peers|not used"},
		{"no asn", peer(func(p *BGPPeer) { p.ASN = 0 }), "peers[0].asn: is missing"},
		{"asn", peer(func(p *BGPPeer) { p.MyASN = maxASN + 1 }), "peers[0].myASN|1 to 4294967295"},
		{"peer's address", peer(func(p *BGPPeer) { p.Address = "router" }), "peers[0].address|is not an address"},
		{"peer's port", peer(func(p *BGPPeer) { p.Port = 70000 }), "peers[0].port|not a port"},
		{"peer twice", func(a *Addons) { a.LoadBalancer.Peers = append(a.LoadBalancer.Peers, a.LoadBalancer.Peers[0]) }, "peers[1].address|is there twice"},
		{"peer's password", peer(func(p *BGPPeer) { p.Password = &Secret{} }), "peers[0].password: is missing"},
	})
}

// Where all nodes' networks are known, a pool of layer 2 is in one of them.
func TestPoolOutsideOfEveryNetwork(t *testing.T) {
	c := withAddons()
	for i := range c.Nodes {
		c.Nodes[i].Address = c.Nodes[i].IP().String() + "/24"
	}
	c.Addons.LoadBalancer.Pools[0].Addresses = []string{"192.168.7.0/28"}
	faults := c.Validate()
	if len(faults) != 1 || !strings.Contains(faults[0].String(), "pools[0].addresses[0]: \"192.168.7.0/28\" is in no network of a node") {
		t.Errorf("got %v", faults)
	}
	c.Addons.LoadBalancer.Pools[0].Interfaces = []string{"eno2"}
	if faults := c.Validate(); len(faults) > 0 {
		t.Errorf("another network's interface is named, and still: %v", faults)
	}
}

// A cluster is made one node after the other, so this waits for kbm up.
func TestClassThatNobodyServes(t *testing.T) {
	c := withAddons()
	c.Nodes = c.Nodes[:2]
	if faults := c.Validate(); len(faults) > 0 {
		t.Error(faults)
	}
	err := c.ReadyForUp()
	if err == nil || !strings.Contains(err.Error(), "nobody serves class external; add such a node (kbm add-node NAME --role edge …), or write roles that nodes have: [controller, worker]") {
		t.Errorf("got %v", err)
	}
}
