package cluster

import (
	"strings"
	"testing"
)

// good is a cluster without a fault; each test spoils one thing of it.
func good() *Cluster {
	c := &Cluster{
		APIVersion: APIVersion, Kind: "Cluster", Name: "home",
		Endpoint: Endpoint{VIP: "192.168.1.10"},
		Nodes: []Node{
			{Name: "cp1", Role: Controller, Address: "192.168.1.11/24", Gateway: "192.168.1.1"},
			{Name: "w1", Role: Worker, Address: "192.168.1.12"},
		},
	}
	return c.WithDefaults()
}

func TestGoodClusterHasNoFault(t *testing.T) {
	if faults := good().Validate(); len(faults) > 0 {
		t.Error(faults)
	}
}

// A row spoils the good cluster and names the one fault that must come of it:
// where, and some of its words.
func TestOneFaultEach(t *testing.T) {
	host := func(h string) func(*Cluster) {
		return func(c *Cluster) { c.Endpoint = Endpoint{Host: h, Port: 6443} }
	}
	named := host("api.example.com")
	vip := func(a string) func(*Cluster) { return func(c *Cluster) { c.Endpoint.VIP = a } }
	w1 := func(f func(*Node)) func(*Cluster) { return func(c *Cluster) { f(&c.Nodes[1]) } }
	cp1 := func(f func(*Node)) func(*Cluster) { return func(c *Cluster) { f(&c.Nodes[0]) } }
	version := func(v string) func(*Cluster) { return func(c *Cluster) { c.Kubernetes.Version = v } }
	label := func(k, v string) func(*Cluster) {
		return w1(func(n *Node) { n.Labels = map[string]string{k: v} })
	}
	firewall := func(f Firewall) func(*Cluster) {
		return func(c *Cluster) { c.Security.Firewall = f.withDefaults() }
	}
	taint := func(taints ...Taint) func(*Cluster) { return w1(func(n *Node) { n.Taints = taints }) }
	bond := func(mode string, interfaces ...string) func(*Cluster) {
		return cp1(func(n *Node) { n.Bond = Bond{Interfaces: interfaces, Mode: mode} })
	}
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
	for _, row := range []struct {
		name  string
		spoil func(*Cluster)
		want  string // "file: path" and words, each must be there
	}{
		{"no name", func(c *Cluster) { c.Name = "" }, "cluster.yaml: name|is missing"},
		{"name with a dot", func(c *Cluster) { c.Name = "a.b" }, "cluster.yaml: name|is not a name"},
		{"no endpoint", func(c *Cluster) { c.Endpoint = Endpoint{Port: 6443} }, "cluster.yaml: endpoint|is missing"},
		{"two endpoints", func(c *Cluster) { c.Endpoint.Host = "api.example.com" }, "cluster.yaml: endpoint|both host and vip"},
		{"url", host("https://api.example.com"), "endpoint.host|is a URL"},
		{"path", host("api.example.com/x"), "endpoint.host|slash"},
		{"port in host", host("api.example.com:6443"), "endpoint.host|has a port in it|write api.example.com here"},
		{"wildcard", host("*.example.com"), "endpoint.host|wildcard"},
		{"underscore", host("api_1.example.com"), "endpoint.host|underscore"},
		{"capitals", host("API.example.com"), "endpoint.host|capital|write api.example.com"},
		{"unicode", host("küche.example.com"), "endpoint.host|xn--"},
		{"space", host("api example"), "endpoint.host|white space"},
		{"trailing dot", host("api.example.com."), "endpoint.host|is not a DNS name"},
		{"three octets", host("192.168.1"), "endpoint.host|is not an address"},
		{"octet too large", host("192.168.1.256"), "endpoint.host|is not an address"},
		{"localhost", host("localhost"), "endpoint.host|different machine"},
		{"loopback", host("127.0.0.1"), "endpoint.host|different machine"},
		{"unspecified", host("0.0.0.0"), "endpoint.host|every address"},
		{"broadcast", host("255.255.255.255"), "endpoint.host|not the address of one machine"},
		{"link-local", host("169.254.0.9"), "endpoint.host|one link"},
		{"mapped", host("::ffff:10.0.0.1"), "endpoint.host|write 10.0.0.1"},
		{"host of a pod", host("10.244.0.9"), "endpoint.host|inside network.podCIDR"},
		{"host of another family", host("fd00::1"), "endpoint.host|another address family"},
		{"endpoint port", func(c *Cluster) { c.Endpoint.Port = 65536 }, "endpoint.port|not a port"},
		{"vip is a name", vip("api.example.com"), "endpoint.vip|is not an address"},
		{"vip of a node", vip("192.168.1.12"), "endpoint.vip|is the address of w1"},
		{"vip elsewhere", vip("192.168.2.10"), "endpoint.vip|not in 192.168.1.0/24"},
		{"vip broadcast", vip("192.168.1.255"), "endpoint.vip|broadcast"},
		{"version without v", version("1.37.1"), "kubernetes.version|write v1.37.1"},
		{"version without patch", version("v1.37"), "kubernetes.version|not a release"},
		{"version too old", version("v1.35.4"), "kubernetes.version|v1.36 and v1.37"},
		{"version too new", version("v1.38.0"), "kubernetes.version|v1.36 and v1.37"},
		{"version candidate", version("v1.37.0-rc.1"), "kubernetes.version|not a release"},
		{"version padded", version("v1.37.01"), "kubernetes.version|not a release"},
		{"pods no range", func(c *Cluster) { c.Network.PodCIDR = "10.244.0.0" }, "network.podCIDR|not an address range"},
		{"pods host bits", func(c *Cluster) { c.Network.PodCIDR = "10.244.1.0/14" }, "network.podCIDR|write 10.244.0.0/14"},
		{"pods too small", func(c *Cluster) { c.Network.PodCIDR = "10.244.0.0/25" }, "network.podCIDR|too small"},
		{"pods too large", func(c *Cluster) { named(c); c.Nodes = nil; c.Network.PodCIDR = "128.0.0.0/1" }, "network.podCIDR|too large"},
		{"pods too few for the nodes", func(c *Cluster) { c.Network.PodCIDR = "10.244.0.0/24" }, "network.podCIDR|room for 1 nodes and there are 2"},
		{"pods on the LAN", func(c *Cluster) { named(c); c.Network.PodCIDR = "192.168.0.0/22" }, "network.podCIDR|overlaps the nodes' LAN: cp1"},
		{"services on the LAN", func(c *Cluster) { named(c); c.Network.ServiceCIDR = "192.168.0.0/22" }, "network.serviceCIDR|overlaps the nodes' LAN: cp1"},
		{"services in pods", func(c *Cluster) { c.Network.ServiceCIDR = "10.244.0.0/20" }, "network.serviceCIDR|overlaps network.podCIDR"},
		{"services too large", func(c *Cluster) { c.Network.ServiceCIDR = "10.96.0.0/11" }, "network.serviceCIDR|/12 or smaller"},
		{"services too small", func(c *Cluster) { c.Network.ServiceCIDR = "10.96.0.0/29" }, "network.serviceCIDR|/28 or larger"},
		{"services of IPv6", func(c *Cluster) { c.Network.ServiceCIDR = "fd00::/108" }, "network.serviceCIDR|another address family"},
		{"domain", func(c *Cluster) { c.Network.Domain = "-x" }, "network.domain|not a DNS name"},
		{"resolver is a name", func(c *Cluster) { c.Network.Resolvers = []string{"dns"} }, "network.resolvers[0]|not an address"},
		{"resolver in services", func(c *Cluster) { c.Network.Resolvers = []string{"1.1.1.1", "10.96.0.10"} }, "network.resolvers[1]|inside network.serviceCIDR"},
		{"mtu", func(c *Cluster) { c.Network.MTU = 68 }, "network.mtu|not an MTU"},
		{"key cut", func(c *Cluster) { c.SSH.AuthorizedKeys = []string{key[:40]} }, "ssh.authorizedKeys[0]|not an SSH public key"},
		{"two keys in one", func(c *Cluster) { c.SSH.AuthorizedKeys = []string{key + "\n" + key} }, "ssh.authorizedKeys[0]|more than one line"},
		{"jump without host", func(c *Cluster) { c.SSH.Jump = "admin@" }, "ssh.jump|not a DNS name"},
		{"jump with a bad user", func(c *Cluster) { c.SSH.Jump = "Big Boss@gate" }, "ssh.jump|user name"},
		{"identity empty", func(c *Cluster) { c.SSH.IdentityFiles = []string{" "} }, "ssh.identityFiles[0]|is missing"},
		{"os", func(c *Cluster) { c.OS = "beos" }, "cluster.yaml: os|debian, fcos, flatcar, ubuntu"},
		{"media", func(c *Cluster) { c.Media = "tape" }, "cluster.yaml: media|one of nocloud, config-drive"},
		{"algorithm", func(c *Cluster) { c.PKI.Algorithm = "ed25519" }, "pki.algorithm|ecdsa-p256"},
		{"san", func(c *Cluster) { c.PKI.ExtraSANs = []string{"*.ok.example.com", "a.*.b"} }, "pki.extraSANs[1]|wildcard"},
		{"pod security", func(c *Cluster) { c.Security.PodSecurity = "Baseline" }, "security.podSecurity|baseline"},
		{"firewall of controllers", firewall(Firewall{Roles: []Role{Edge, Controller}}), "security.firewall.roles[1]|write edge or worker"},
		{"firewall's role twice", firewall(Firewall{Roles: []Role{Edge, Edge}}), "security.firewall.roles[1]|is there twice"},
		{"firewall's admin is a name", firewall(Firewall{Admin: []string{"192.168.1.5", "office"}}), "security.firewall.admin[1]|is not an address or a network"},
		{"firewall's admin is everybody", firewall(Firewall{Admin: []string{"0.0.0.0/0"}}), "security.firewall.admin[0]|leave admin out"},
		{"firewall's trusted host bits", firewall(Firewall{Trusted: []string{"10.1.2.3/8"}}), "security.firewall.trusted[0]|write 10.0.0.0/8"},
		{"firewall's trusted mapped", firewall(Firewall{Trusted: []string{"::ffff:10.0.0.1"}}), "security.firewall.trusted[0]|write 10.0.0.1"},
		{"firewall's port without a protocol", firewall(Firewall{Open: []string{"53/udp", "25565"}}), "security.firewall.open[1]|write one such as 25565/tcp"},
		{"firewall's port too high", firewall(Firewall{Open: []string{"65536/tcp"}}), "security.firewall.open[0]|is not a port"},
		{"mirror", func(c *Cluster) { c.Bundle.Mirrors = map[string]string{"ghcr.io": "mirror.lan"} }, "bundle.mirrors.ghcr.io|make it https://HOST"},
		{"mirror with a password", func(c *Cluster) { c.Bundle.Mirrors = map[string]string{"ghcr.io": "https://me:x@mirror.lan"} }, "bundle.mirrors.ghcr.io|docker login"},
		{"recipient", func(c *Cluster) { c.Secrets.Recipients = []string{"ssh-ed25519 AAAA"} }, "secrets.recipients[0]|not a recipient"},
		{"node name", w1(func(n *Node) { n.Name = "W1" }), "nodes/W1.yaml: name|not a host name"},
		{"node name too long", w1(func(n *Node) { n.Name = strings.Repeat("x", 53) }), "name|up to 52"},
		{"no role", w1(func(n *Node) { n.Role = "" }), "nodes/w1.yaml: role|is missing"},
		{"role", w1(func(n *Node) { n.Role = "master" }), "nodes/w1.yaml: role|controller, worker or edge"},
		{"no address", w1(func(n *Node) { n.Address = "" }), "nodes/w1.yaml: address|is missing"},
		{"address is a name", w1(func(n *Node) { n.Address = "w1.lan" }), "nodes/w1.yaml: address|not an address"},
		{"address length", w1(func(n *Node) { n.Address = "192.168.1.12/33" }), "nodes/w1.yaml: address|length that is none"},
		{"address of the network", w1(func(n *Node) { n.Address = "192.168.1.0/24" }), "nodes/w1.yaml: address|network or broadcast"},
		{"address of the world", w1(func(n *Node) { n.Address = "192.168.1.12/0" }), "nodes/w1.yaml: address|whole Internet"},
		{"same address", w1(func(n *Node) { n.Address = "192.168.1.11" }), "nodes/w1.yaml: address|also that of node cp1"},
		{"gateway outside", cp1(func(n *Node) { n.Gateway = "192.168.2.1" }), "nodes/cp1.yaml: gateway|outside"},
		{"gateway itself", cp1(func(n *Node) { n.Gateway = "192.168.1.11" }), "nodes/cp1.yaml: gateway|node itself"},
		{"gateway broadcast", cp1(func(n *Node) { n.Gateway = "192.168.1.255" }), "nodes/cp1.yaml: gateway|broadcast"},
		{"gateway with DHCP", w1(func(n *Node) { n.Gateway = "192.168.1.1" }), "nodes/w1.yaml: gateway|would not be used"},
		{"dns", w1(func(n *Node) { n.DNS = []string{"dns.lan"} }), "nodes/w1.yaml: dns[0]|not an address"},
		{"interface", w1(func(n *Node) { n.Interface = "en/0" }), "nodes/w1.yaml: interface|not the name"},
		{"mac", w1(func(n *Node) { n.MAC = "52:54:00" }), "nodes/w1.yaml: mac|not a MAC"},
		{"mac of a group", w1(func(n *Node) { n.MAC = "01:00:5e:00:00:01" }), "nodes/w1.yaml: mac|group"},
		{"interface and mac", w1(func(n *Node) { n.Interface, n.MAC = "eno1", "52:54:00:12:34:56" }), "nodes/w1.yaml: interface|beside mac"},
		{"serial", w1(func(n *Node) { n.Serial = "a,b" }), "nodes/w1.yaml: serial|dmidecode"},
		{"same serial", func(c *Cluster) { c.Nodes[0].Serial, c.Nodes[1].Serial = "VMware-56 4d", "VMware-56  4d" }, "nodes/w1.yaml: serial|also that of node cp1"},
		{"bond of one", bond("active-backup", "eno1"), "nodes/cp1.yaml: bond.interfaces|is alone"},
		{"bond of none", bond("active-backup"), "nodes/cp1.yaml: bond.interfaces|is missing"},
		{"bond mode", bond("lacp", "eno1", "eno2"), "nodes/cp1.yaml: bond.mode|active-backup, 802.3ad"},
		{"bond by name and MAC", bond("802.3ad", "eno1", "52:54:00:12:34:56"), "bond.interfaces[1]|not named as the first"},
		{"bond of the same", bond("802.3ad", "eno1", "eno1"), "bond.interfaces[1]|twice"},
		{"bond of a pattern", bond("802.3ad", "eno1", "eno*"), "bond.interfaces[1]|not the name"},
		{"bond and interface", cp1(func(n *Node) { n.Interface, n.Bond = "eno1", Bond{[]string{"eno1", "eno2"}, "802.3ad"} }), "interface|beside bond"},
		{"bond with DHCP", w1(func(n *Node) { n.Bond = Bond{[]string{"eno1", "eno2"}, "802.3ad"} }), "nodes/w1.yaml: bond.interfaces|would not be used"},
		{"vlan too large", cp1(func(n *Node) { n.VLAN, n.Interface = 4095, "eno1" }), "nodes/cp1.yaml: vlan|from 1 to 4094"},
		{"vlan on nothing", cp1(func(n *Node) { n.VLAN = 20 }), "nodes/cp1.yaml: vlan|write interface, mac or bond"},
		{"vlan on a pattern", cp1(func(n *Node) { n.VLAN, n.Interface = 20, "en*" }), "nodes/cp1.yaml: vlan|no interface"},
		{"vlan with DHCP", w1(func(n *Node) { n.VLAN, n.Interface = 20, "eno1" }), "nodes/w1.yaml: vlan|would not be used"},
		{"same mac in a bond", func(c *Cluster) {
			c.Nodes[0].Bond = Bond{[]string{"52:54:00:12:34:56", "52:54:00:12:34:57"}, "802.3ad"}
			c.Nodes[1].MAC = "52:54:00:12:34:57"
		}, "nodes/w1.yaml: mac|also that of node cp1"},
		{"same mac, other spelling", func(c *Cluster) {
			c.Nodes[0].MAC, c.Nodes[1].MAC = "52:54:00:12:34:5A", "52-54-00-12-34-5a"
		}, "nodes/w1.yaml: mac|also that of node cp1"},
		{"same ssh host", func(c *Cluster) {
			c.Nodes[0].SSH.Host, c.Nodes[1].SSH.Host = "a.example.com", "a.example.com"
		}, "nodes/w1.yaml: ssh.host|also that of node cp1"},
		{"same name", w1(func(n *Node) { n.Name = "cp1" }), "nodes/cp1.yaml: name|also that of node cp1"},
		{"node os", w1(func(n *Node) { n.OS = "beos" }), "nodes/w1.yaml: os|not an operating system"},
		{"label key", label("a b", ""), "labels[a b]|not a label"},
		{"label of kubernetes", label("kubernetes.io/hostname", "x"), "labels[kubernetes.io/hostname]|own to set"},
		{"label of a role", label("node-role.kubernetes.io/edge", ""), "own to set|role"},
		{"label value", label("disk", "a b"), "labels[disk]|not the value"},
		{"taint without key", taint(Taint{Effect: "NoExecute"}), "taints[0].key|is missing"},
		{"taint of a role", taint(Taint{Key: ControlPlane, Effect: "NoExecute"}), "taints[0].key|own to set"},
		{"taint value", taint(Taint{Key: "a", Value: "b c", Effect: "NoExecute"}), "taints[0].value|not the value"},
		{"taint effect", taint(Taint{Key: "a", Effect: "Never"}), "taints[0].effect|NoSchedule, PreferNoSchedule, NoExecute"},
		{"taint twice", taint(Taint{Key: "a", Effect: "NoExecute"}, Taint{Key: "a", Effect: "NoExecute"}), "taints[1]|twice"},
		{"host key", w1(func(n *Node) { n.SSH.HostKey = "MD5:ab:cd" }), "nodes/w1.yaml: ssh.hostKey|not a fingerprint"},
		{"ssh host", w1(func(n *Node) { n.SSH.Host = "ssh://w1" }), "nodes/w1.yaml: ssh.host|is a URL"},
		{"ssh user", w1(func(n *Node) { n.SSH.User = "a b" }), "nodes/w1.yaml: ssh.user|not a user name"},
		{"node of another family", func(c *Cluster) { c.Endpoint.VIP = "192.168.1.10"; c.Nodes[1].Address = "fd00::5" }, "nodes/w1.yaml: address|another address family"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := good()
			row.spoil(c)
			faults := c.Validate()
			if len(faults) != 1 {
				t.Fatalf("got %d faults, want one:\n%v", len(faults), faults)
			}
			for _, words := range strings.Split(row.want, "|") {
				if !strings.Contains(faults[0].String(), words) {
					t.Errorf("%q is not in: %s", words, faults[0])
				}
			}
			if faults[0].Right == "" {
				t.Errorf("it does not say what would be right: %s", faults[0])
			}
		})
	}
}

// What is unusual and right must not be refused.
func TestNoFault(t *testing.T) {
	for name, change := range map[string]func(*Cluster){
		"IPv6 everywhere": func(c *Cluster) {
			*c = *(&Cluster{Name: "six", Endpoint: Endpoint{VIP: "fd01::10"}, Nodes: []Node{
				{Name: "cp1", Role: Controller, Address: "fd01::11/64", Gateway: "fd01::1"},
			}}).WithDefaults()
		},
		"bond and VLAN": func(c *Cluster) {
			c.Nodes[0].Bond, c.Nodes[0].VLAN = Bond{[]string{"eno1", "eno2"}, "802.3ad"}, 20
		},
		"point-to-point address": func(c *Cluster) { c.Nodes[1].Address = "203.0.113.7/32" },
		"forwarded ssh port":     func(c *Cluster) { c.Nodes[1].SSH = NodeSSH{Host: "127.0.0.1", Port: 2222} },
		"jump with everything":   func(c *Cluster) { c.SSH.Jump = "admin@[fd00::1]:2222" },
		"topology of one's own":  func(c *Cluster) { c.Nodes[1].Labels = map[string]string{"topology.kubernetes.io/zone": "attic"} },
		"same taint, two effects": func(c *Cluster) {
			c.Nodes[1].Taints = []Taint{{Key: "a", Effect: "NoSchedule"}, {Key: "a", Effect: "NoExecute"}}
		},
		"endpoint of the only controller": func(c *Cluster) { c.Endpoint = Endpoint{Host: "192.168.1.11", Port: 6443} },
		"two machines behind one jump host": func(c *Cluster) {
			c.Nodes[0].SSH = NodeSSH{Host: "10.9.9.9", Jump: "a.example.com"}
			c.Nodes[1].SSH = NodeSSH{Host: "10.9.9.9", Jump: "b.example.com"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := good()
			change(c)
			if faults := c.Validate(); len(faults) > 0 {
				t.Error(faults)
			}
		})
	}
}

func TestReadyForUp(t *testing.T) {
	for controllers, want := range map[int]string{0: "no controller", 1: "", 2: "even number", 3: "", 4: "even number", 5: "", 7: "more than 5"} {
		c := good()
		c.Nodes = c.Nodes[1:]
		for i := range controllers {
			c.Nodes = append(c.Nodes, Node{Name: string(rune('a' + i)), Role: Controller})
		}
		err := c.ReadyForUp()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d controllers: got %v, want %q", controllers, err, want)
		}
	}
}
