// Package pki holds every certificate profile of a cluster as one table,
// issues from it (pure, the clock is passed in), and stores what was issued
// (files, encrypted with age where recipients are set).
package pki

// Name names one row of the certificate table, and its place below pki/.
type Name string

// The certificates of the whole cluster.
const (
	CA           Name = "ca"
	FrontProxyCA Name = "front-proxy-ca"
	EtcdCA       Name = "etcd/ca"
	// PrivateCA is what cert-manager signs names of a LAN with, where the spec
	// has an issuer for that.
	PrivateCA              Name = "private-ca"
	FrontProxyClient       Name = "front-proxy-client"
	APIServerEtcdClient    Name = "apiserver-etcd-client"
	APIServerKubeletClient Name = "apiserver-kubelet-client"
	EtcdHealthcheckClient  Name = "etcd/healthcheck-client"
	ControllerManager      Name = "controller-manager"
	Scheduler              Name = "scheduler"
	Admin                  Name = "admin"
	// KubeVIP is the user kube-vip, which holds the lease of the virtual address.
	KubeVIP Name = "kube-vip"
)

// The certificates of addons that the API server calls. kbm issues them, since
// it has a CA at hand: what the programs would sign themselves has to be handed
// to the API server afterwards, by somebody with the right to do so.
const (
	MetricsServer  Name = "metrics-server"
	MetalLBWebhook Name = "metallb-webhook"
)

// The certificates of one node; the last three are of controllers only.
const (
	KubeletClient  Name = "kubelet-client"
	KubeletServing Name = "kubelet-serving"
	APIServer      Name = "apiserver"
	EtcdServer     Name = "etcd-server"
	EtcdPeer       Name = "etcd-peer"
)

// Pair is a certificate and its private key, both PEM.
type Pair struct {
	Cert []byte
	Key  []byte
}

// SSHKey is an OpenSSH key: the private key in OpenSSH PEM, the public key and,
// where it was signed, the certificate as authorized_keys lines.
type SSHKey struct {
	Private     []byte
	Public      []byte
	Certificate []byte
}

// Set is everything that a cluster's PKI holds.
type Set struct {
	// ServiceAccount signs tokens. It is a key pair, not a certificate.
	ServiceAccount struct{ Private, Public []byte }
	// EncryptionKey is the 32 byte secretbox key of encryption at rest.
	EncryptionKey []byte
	// CookieSecret is what oauth2-proxy seals its cookies with, 32 characters;
	// nil without that addon.
	CookieSecret []byte
	// MemberlistKey is what MetalLB's speakers talk to each other with, 32
	// characters; nil without that addon.
	MemberlistKey []byte
	// SSHHostCA signs host keys, SSHUserCA signs the certificates that kbm logs in with.
	SSHHostCA, SSHUserCA SSHKey
	// Changes is what Ensure wrote, in the order of the table and the nodes.
	Changes []Change

	pairs map[Name]Pair
	nodes map[string]NodeSet
}

// Change is one thing that Ensure made or made anew.
type Change struct {
	// Path is the file (of a pair, the certificate) in the cluster's folder.
	Path string `json:"path"`
	// Why says what was wrong with what was there: "new", "expires in 12 days", …
	Why string `json:"why"`
}

// NodeSet is what belongs to one node.
type NodeSet struct {
	SSHHost SSHKey
	pairs   map[Name]Pair
}

// Get returns a certificate of the whole cluster; the zero Pair when there is none.
func (s *Set) Get(name Name) Pair { return s.pairs[name] }

// Node returns what belongs to one node.
func (s *Set) Node(name string) NodeSet { return s.nodes[name] }

// Get returns a certificate of the node; the zero Pair when there is none.
func (n NodeSet) Get(name Name) Pair { return n.pairs[name] }
