// Package cluster is the spec: what a user writes in cluster.yaml and
// nodes/*.yaml, loaded strictly, completed with defaults and checked whole.
// It is a leaf: every other package reads it, and it reads none of them.
//
// The docstrings and examples (eg) of the types in this file and in addons.go
// are also the comments of the files that kbm writes and the descriptions of its JSON
// Schema: write them for the person who edits a cluster.yaml.
package cluster

// APIVersion is the only schema version that kbm reads.
const APIVersion = "kbm/v1alpha1"

// Role says what a machine is for.
type Role string

// The roles of a node. Edge nodes are workers that face the outside: the
// ingress runs there, and only what tolerates their taint.
const (
	Controller Role = "controller"
	Worker     Role = "worker"
	Edge       Role = "edge"
)

// Cluster is a whole cluster folder: cluster.yaml and every nodes/*.yaml.
type Cluster struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Name of the cluster, in kubeconfigs and certificates.
	Name       string     `json:"name"`
	Kubernetes Kubernetes `json:"kubernetes,omitempty"`
	Endpoint   Endpoint   `json:"endpoint"`
	Network    Network    `json:"network,omitempty"`
	SSH        SSH        `json:"ssh,omitempty"`
	// OS of the nodes: flatcar, fcos, debian or ubuntu. A node may have its own.
	OS string `json:"os,omitempty"`
	// Media is what the machines of that system read at their first boot, as
	// kbm media targets lists. Unless set, nocloud for debian and ubuntu, and
	// openstack for flatcar and fcos.
	Media    string   `json:"media,omitempty" eg:"openstack"`
	PKI      PKI      `json:"pki,omitempty"`
	Security Security `json:"security,omitempty"`
	Secrets  Secrets  `json:"secrets,omitempty"`
	Bundle   Bundle   `json:"bundle,omitempty"`
	Addons   Addons   `json:"addons,omitempty"`

	// Dir is the folder that the cluster was loaded from.
	Dir string `json:"-"`
	// Nodes are sorted by name, so that everything made from them is stable.
	Nodes []Node `json:"-"`
}

// Kubernetes chooses the version that the cluster runs.
type Kubernetes struct {
	// Version is a release of 1.36 or 1.37, such as v1.37.1.
	Version string `json:"version,omitempty"`
}

// Endpoint is where nodes and people reach the API servers: either a host that
// the user keeps, or a vip that kbm keeps.
type Endpoint struct {
	// Host is a DNS name or address that leads to the controllers.
	Host string `json:"host,omitempty" eg:"api.home.example.com"`
	// VIP is a free address of the controllers' LAN that kube-vip holds on one
	// of them.
	VIP string `json:"vip,omitempty" eg:"192.168.1.10"`
	// Port of the endpoint.
	Port int `json:"port,omitempty"`
}

// Network holds the cluster's own address ranges and its DNS.
type Network struct {
	// PodCIDR is the range of the pods; each node takes a /24 of it (a /64 of
	// IPv6). It cannot be changed once the cluster runs.
	PodCIDR string `json:"podCIDR,omitempty"`
	// ServiceCIDR is the range of the services. It cannot be changed either.
	ServiceCIDR string `json:"serviceCIDR,omitempty"`
	// Domain is the DNS domain of the cluster.
	Domain string `json:"domain,omitempty"`
	// Resolvers answer what is outside the cluster's domain. Unless set, each
	// node's own resolvers do.
	Resolvers []string `json:"resolvers,omitempty" eg:"[192.168.1.1]"`
	// Zones have resolvers of their own, such as a company's.
	Zones map[string][]string `json:"zones,omitempty" eg:"{corp.example.com: [10.0.0.53]}"`
	// Hosts are names that the cluster's DNS answers by itself.
	Hosts map[string]string `json:"hosts,omitempty" eg:"{nas.home.example.com: 192.168.1.5}"`
	// MTU of the nodes' network in bytes; pods get 50 less, for VXLAN.
	MTU int `json:"mtu,omitempty"`
}

// SSH says how kbm reaches the nodes. A node may have its own user, port and
// jump host.
type SSH struct {
	// User to log in as. Unless set, the operating system's own: core, debian, …
	User string `json:"user,omitempty" eg:"core"`
	// Port of sshd.
	Port int `json:"port,omitempty"`
	// AuthorizedKeys are public keys of people, one line of a .pub file each.
	// kbm itself logs in with a certificate of the cluster's SSH user CA.
	AuthorizedKeys []string `json:"authorizedKeys,omitempty" eg:"[ssh-ed25519 AAAA… me@laptop]"`
	// IdentityFiles are private keys for machines that do not trust the CA yet.
	IdentityFiles []string `json:"identityFiles,omitempty" eg:"[~/.ssh/id_ed25519]"`
	// Jump is a host to go through: [USER@]HOST[:PORT].
	Jump string `json:"jump,omitempty" eg:"admin@gate.example.com"`
}

// PKI chooses the keys and adds names to the API server's certificate.
type PKI struct {
	// Algorithm is ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096.
	Algorithm string `json:"algorithm,omitempty"`
	// ExtraSANs are DNS names or addresses added to the API server's certificate.
	ExtraSANs []string `json:"extraSANs,omitempty" eg:"[k8s.example.com, 203.0.113.7]"`
}

// Security holds what is strict unless a user loosens it.
type Security struct {
	// Audit writes who asked the API server for what to a log on each controller.
	Audit *bool `json:"audit,omitempty"`
	// EncryptionAtRest encrypts Secrets inside etcd.
	EncryptionAtRest *bool `json:"encryptionAtRest,omitempty"`
	// PodSecurity is the standard that namespaces keep unless they carry a
	// label of their own: privileged, baseline or restricted.
	PodSecurity string `json:"podSecurity,omitempty"`
	// ScheduleOnControl lets every pod run on the controllers.
	ScheduleOnControl bool `json:"scheduleOnControllers,omitempty"`
	// Firewall closes the machines that face the outside, but for what the spec
	// opens. Unless its section is there, even an empty one, kbm sets up none.
	Firewall *Firewall `json:"firewall,omitempty" eg:"{admin: [192.168.1.0/24]}"`
}

// Firewall is one table of nftables on each machine of some roles. Other nodes
// reach everything there, and the world what the addons need and no more.
type Firewall struct {
	// Roles of the nodes that have it, edge and worker. Unless set, edge.
	Roles []Role `json:"roles,omitempty" eg:"[edge]"`
	// Admin are the networks that SSH may come from, beside the nodes' own
	// addresses. Unless set, it may come from anywhere.
	Admin []string `json:"admin,omitempty" eg:"[192.168.1.0/24]"`
	// Trusted are further networks that reach everything, as nodes do: of
	// nodes with several addresses, or of a Prometheus outside.
	Trusted []string `json:"trusted,omitempty" eg:"[10.0.0.0/24]"`
	// Open are further ports for the world, each with its protocol.
	Open []string `json:"open,omitempty" eg:"[25565/tcp, 51820/udp]"`
}

// Secrets says who can read the keys in the folder.
type Secrets struct {
	// Recipients are age or SSH public keys; when set, every private key in
	// the folder is encrypted to them.
	Recipients []string `json:"recipients,omitempty" eg:"[age1…, ssh-ed25519 AAAA…]"`
}

// Bundle says where the binaries and images come from.
type Bundle struct {
	// Dir is a bundle folder, relative to the cluster's. Unless set, it is in
	// kbm's cache.
	Dir string `json:"dir,omitempty" eg:"../bundle"`
	// Images are further images of the bundle that every node shall hold, by
	// their short name.
	Images []string `json:"images,omitempty" eg:"[agnhost]"`
	// Online lets the nodes fetch by themselves what kbm bundle pull fetched:
	// programs from where they are published, images from their registries.
	Online bool `json:"online,omitempty"`
	// Mirrors are asked instead of the hosts that releases and images are
	// published on: by kbm bundle pull, and by the nodes for images.
	Mirrors map[string]string `json:"mirrors,omitempty" eg:"{registry.k8s.io: https://mirror.example.com/k8s}"`
}

// Node is one machine: nodes/<name>.yaml.
type Node struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Name is the machine's host name, and the file's.
	Name string `json:"name"`
	// Role is controller, worker or edge.
	Role Role `json:"role"`
	// Address is IP or IP/length. With a length kbm configures it on the
	// machine; without, something else (DHCP) does, and kbm only connects to it.
	Address string `json:"address" eg:"192.168.1.11/24"`
	// Gateway is the router of the machine's network.
	Gateway string `json:"gateway,omitempty" eg:"192.168.1.1"`
	// DNS servers of the machine.
	DNS []string `json:"dns,omitempty" eg:"[192.168.1.1]"`
	// Interface that has the address, by name. Or choose it by mac; unless
	// either is set, it is the machine's only one.
	Interface string `json:"interface,omitempty" eg:"eno1"`
	// MAC address of the interface that has the address.
	MAC string `json:"mac,omitempty" eg:"52:54:00:12:34:56"`
	// Bond joins several interfaces into one, bond0, that has the address.
	Bond Bond `json:"bond,omitempty"`
	// VLAN is the number of the network that the address is in, where the switch
	// hands it over tagged: on the interface, or on the bond.
	VLAN int `json:"vlan,omitempty" eg:"20"`
	// Serial number of the machine, as the maker wrote it into the firmware: a
	// stick for many machines (kbm media stick) knows a machine by it, or by mac.
	Serial string `json:"serial,omitempty" eg:"7CN4X3J"`
	// OS of the machine. Unless set, the cluster's.
	OS string `json:"os,omitempty" eg:"debian"`
	// Media is what the machine reads at its first boot, as kbm media targets
	// lists. Unless set, the cluster's.
	Media string `json:"media,omitempty" eg:"nocloud"`
	// Labels of the Kubernetes node, beside those of its role.
	Labels map[string]string `json:"labels,omitempty" eg:"{example.com/disk: ssd}"`
	// Taints of the Kubernetes node, beside those of its role.
	Taints []Taint `json:"taints,omitempty" eg:"[{key: example.com/reserved, value: video, effect: NoSchedule}]"`
	SSH    NodeSSH `json:"ssh,omitempty"`

	// Source is where the node was read, for faults: nodes/<name>.yaml unless set.
	Source string `json:"-"`
}

// Bond joins several interfaces of a machine into one.
type Bond struct {
	// Interfaces that it joins, all by name or all by MAC address.
	Interfaces []string `json:"interfaces,omitempty" eg:"[eno1, eno2]"`
	// Mode is active-backup unless set, which any switch carries. The switch must
	// be set up for 802.3ad, balance-rr, balance-xor and broadcast.
	Mode string `json:"mode,omitempty" eg:"active-backup"`
}

// Taint keeps pods away that do not tolerate it.
type Taint struct {
	// Key of the taint.
	Key string `json:"key"`
	// Value of the taint; most have none.
	Value string `json:"value,omitempty"`
	// Effect is NoSchedule, PreferNoSchedule or NoExecute.
	Effect string `json:"effect"`
}

// NodeSSH says how kbm reaches this machine where that differs from the cluster's ssh.
type NodeSSH struct {
	// Host is where sshd answers, when that is not the address.
	Host string `json:"host,omitempty" eg:"w1.example.com"`
	// Port of sshd.
	Port int `json:"port,omitempty" eg:"22"`
	// User to log in as.
	User string `json:"user,omitempty" eg:"core"`
	// Jump is a host to go through: [USER@]HOST[:PORT].
	Jump string `json:"jump,omitempty" eg:"admin@gate.example.com"`
	// HostKey is the SHA256:… fingerprint of a machine that was not booted from
	// kbm's media. Unless set, the key is signed by the cluster's SSH host CA.
	HostKey string `json:"hostKey,omitempty" eg:"SHA256:…"`
}
