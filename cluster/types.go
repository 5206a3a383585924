// Package cluster is the spec: what a user writes in cluster.yaml and
// nodes/*.yaml, loaded strictly, completed with defaults and checked whole.
// It is a leaf: every other package reads it, and it reads none of them.
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
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Name       string     `json:"name"`
	Kubernetes Kubernetes `json:"kubernetes,omitempty"`
	Endpoint   Endpoint   `json:"endpoint"`
	Network    Network    `json:"network,omitempty"`
	SSH        SSH        `json:"ssh,omitempty"`
	OS         string     `json:"os,omitempty"`
	PKI        PKI        `json:"pki,omitempty"`
	Security   Security   `json:"security,omitempty"`
	Secrets    Secrets    `json:"secrets,omitempty"`
	Bundle     Bundle     `json:"bundle,omitempty"`

	// Dir is the folder that the cluster was loaded from.
	Dir string `json:"-"`
	// Nodes are sorted by name, so that everything made from them is stable.
	Nodes []Node `json:"-"`
}

// Kubernetes chooses the version that the cluster runs.
type Kubernetes struct {
	// Version is a release such as v1.37.1.
	Version string `json:"version,omitempty"`
}

// Endpoint is where nodes and people reach the API servers. Host and VIP
// exclude each other.
type Endpoint struct {
	// Host is a DNS name or address that leads to the controllers, kept by the user.
	Host string `json:"host,omitempty"`
	// VIP is an address that kube-vip holds on one of the controllers.
	VIP string `json:"vip,omitempty"`
	// Port of the API server, 6443 unless set.
	Port int `json:"port,omitempty"`
}

// Network holds the cluster's own address ranges and its DNS.
type Network struct {
	PodCIDR     string `json:"podCIDR,omitempty"`
	ServiceCIDR string `json:"serviceCIDR,omitempty"`
	// Domain is the DNS domain of the cluster, cluster.local unless set.
	Domain string `json:"domain,omitempty"`
	// Resolvers answer what is outside the cluster's domain. Empty: each
	// node's own resolvers.
	Resolvers []string `json:"resolvers,omitempty"`
	// MTU of the nodes' network; pods get 50 less, for VXLAN. 1500 unless set.
	MTU int `json:"mtu,omitempty"`
}

// SSH says how kbm reaches the nodes. Everything may be overridden in a node.
type SSH struct {
	// User to log in as; the operating system's own (core, debian, …) unless set.
	User string `json:"user,omitempty"`
	Port int    `json:"port,omitempty"`
	// AuthorizedKeys are public keys of people, in authorized_keys form. kbm
	// itself logs in with a certificate of the cluster's SSH user CA.
	AuthorizedKeys []string `json:"authorizedKeys,omitempty"`
	// IdentityFiles are private keys for machines that do not trust the CA yet.
	IdentityFiles []string `json:"identityFiles,omitempty"`
	// Jump is a host to go through: [USER@]HOST[:PORT].
	Jump string `json:"jump,omitempty"`
}

// PKI chooses the keys and adds names to the API server's certificate.
type PKI struct {
	// Algorithm is ecdsa-p256 (default), ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096.
	Algorithm string `json:"algorithm,omitempty"`
	// ExtraSANs are DNS names or addresses added to the API server's certificate.
	ExtraSANs []string `json:"extraSANs,omitempty"`
}

// Security holds the switches that are on unless a user turns them off.
type Security struct {
	Audit             *bool  `json:"audit,omitempty"`
	EncryptionAtRest  *bool  `json:"encryptionAtRest,omitempty"`
	PodSecurity       string `json:"podSecurity,omitempty"` // privileged, baseline (default) or restricted
	ScheduleOnControl bool   `json:"scheduleOnControllers,omitempty"`
}

// Secrets says who can read the keys in the folder.
type Secrets struct {
	// Recipients are age or SSH public keys; when set, every private key in
	// the folder is encrypted to them.
	Recipients []string `json:"recipients,omitempty"`
}

// Bundle says where the binaries and images come from.
type Bundle struct {
	// Dir is a bundle folder; kbm's cache unless set.
	Dir string `json:"dir,omitempty"`
}

// Node is one machine: nodes/<name>.yaml.
type Node struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Role       Role   `json:"role"`
	// Address is IP or IP/len. With a length kbm configures it on the
	// machine; without, something else (DHCP) does, and kbm only connects to it.
	Address   string            `json:"address"`
	Gateway   string            `json:"gateway,omitempty"`
	DNS       []string          `json:"dns,omitempty"`
	Interface string            `json:"interface,omitempty"`
	MAC       string            `json:"mac,omitempty"`
	OS        string            `json:"os,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	Taints    []Taint           `json:"taints,omitempty"`
	SSH       NodeSSH           `json:"ssh,omitempty"`
}

// Taint keeps pods away that do not tolerate it.
type Taint struct {
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
	Effect string `json:"effect"`
}

// NodeSSH overrides the cluster's SSH settings for one machine.
type NodeSSH struct {
	Host string `json:"host,omitempty"`
	Port int    `json:"port,omitempty"`
	User string `json:"user,omitempty"`
	Jump string `json:"jump,omitempty"`
	// HostKey is the SHA256:… fingerprint of a machine that was not booted
	// from kbm's media. Empty: the key is signed by the cluster's SSH host CA.
	HostKey string `json:"hostKey,omitempty"`
}
