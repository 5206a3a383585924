package pki

import (
	"crypto/x509"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

// scope says how many of a certificate there are.
type scope int

const (
	perCluster scope = iota
	perController
	perNode
)

const (
	day      = 24 * time.Hour
	caLife   = 3650 * day
	leafLife = 365 * day
	// backdate lets a machine whose clock is a little behind accept a new
	// certificate; kubeadm uses the same five minutes.
	backdate = 5 * time.Minute
	// nodeName stands for the node's name in a profile's common name.
	nodeName = "$NODE"
	// clusterName stands for the cluster's, likewise.
	clusterName = "$CLUSTER"
)

// profile is one row of the certificate table.
type profile struct {
	name   Name
	signer Name // itself: a CA
	scope  scope
	cn     string
	orgs   []string
	usage  []x509.ExtKeyUsage
	// when tells the clusters that have it; nil: all.
	when func(*cluster.Cluster) bool
	// sans returns DNS names and addresses, in any order; nil: none.
	sans func(*cluster.Cluster, *cluster.Node) []string
}

// profiles is the whole table. Names follow kubeadm 1.37, so that a cluster's
// PKI can move from and to it; kubelet-serving is ours: kubeadm leaves kubelets
// self-signed. CAs come before what they sign.
func profiles() []profile {
	server := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	client := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	both := slices.Concat(server, client)
	return []profile{
		{name: CA, signer: CA, cn: "kubernetes"},
		{name: FrontProxyCA, signer: FrontProxyCA, cn: "front-proxy-ca"},
		{name: EtcdCA, signer: EtcdCA, cn: "etcd-ca"},
		{name: PrivateCA, signer: PrivateCA, cn: clusterName + " private CA", when: (*cluster.Cluster).HasPrivateCA},

		{name: APIServerKubeletClient, signer: CA, cn: "kube-apiserver-kubelet-client", usage: client},
		{name: ControllerManager, signer: CA, cn: "system:kube-controller-manager", usage: client},
		{name: Scheduler, signer: CA, cn: "system:kube-scheduler", usage: client},
		{name: Admin, signer: CA, cn: "kubernetes-admin", orgs: []string{"kubeadm:cluster-admins"}, usage: client},
		{name: KubeVIP, signer: CA, cn: "kube-vip", usage: client},
		{name: FrontProxyClient, signer: FrontProxyCA, cn: "front-proxy-client", usage: client},
		{name: APIServerEtcdClient, signer: EtcdCA, cn: "kube-apiserver-etcd-client", usage: client},
		{name: EtcdHealthcheckClient, signer: EtcdCA, cn: "kube-etcd-healthcheck-client", usage: client},

		{name: MetricsServer, signer: CA, when: with("metrics-server"), cn: "metrics-server", usage: server, sans: service("metrics-server.kube-system")},
		{name: MetalLBWebhook, signer: CA, when: with("load-balancer"), cn: "metallb-webhook", usage: server, sans: service("metallb-webhook.metallb-system")},

		{name: KubeletClient, signer: CA, scope: perNode, cn: "system:node:" + nodeName, orgs: []string{"system:nodes"}, usage: client},
		{name: KubeletServing, signer: CA, scope: perNode, cn: "system:node:" + nodeName, orgs: []string{"system:nodes"}, usage: server, sans: nodeSANs},
		{name: APIServer, signer: CA, scope: perController, cn: "kube-apiserver", usage: server, sans: apiServerSANs},
		{name: EtcdServer, signer: EtcdCA, scope: perController, cn: nodeName, usage: both, sans: etcdSANs},
		{name: EtcdPeer, signer: EtcdCA, scope: perController, cn: nodeName, usage: both, sans: etcdSANs},
	}
}

func (p profile) isCA() bool { return p.name == p.signer }

// of says whether the node has a certificate of this profile.
func (p profile) of(n *cluster.Node) bool {
	return p.scope == perNode || p.scope == perController && n.Role == cluster.Controller
}

// in says whether the cluster has a certificate of this profile.
func (p profile) in(c *cluster.Cluster) bool { return p.when == nil || p.when(c) }

// with is for what belongs to an addon, by the name of its folder.
func with(addon string) func(*cluster.Cluster) bool {
	return func(c *cluster.Cluster) bool { return slices.Contains(c.Addons.Enabled(), addon) }
}

// roots are the rows of the cluster's CAs or, where that is nil, of those that
// every cluster has.
func roots(c *cluster.Cluster) []profile {
	return slices.DeleteFunc(profiles(), func(p profile) bool {
		return !p.isCA() || c == nil && p.when != nil || c != nil && !p.in(c)
	})
}

// leaves are the rows that the node has or, where that is nil, the cluster.
func leaves(c *cluster.Cluster, n *cluster.Node) []profile {
	return slices.DeleteFunc(profiles(), func(p profile) bool {
		return p.isCA() || !p.in(c) || n == nil && p.scope != perCluster || n != nil && !p.of(n)
	})
}

// request is a profile filled in for a cluster and, where the certificate is
// one of a node, the node.
func (p profile) request(c *cluster.Cluster, n *cluster.Node) request {
	r := request{
		cn:        strings.ReplaceAll(p.cn, clusterName, c.Name),
		orgs:      p.orgs,
		usage:     p.usage,
		algorithm: algorithm(c.PKI.Algorithm),
		life:      leafLife,
	}
	if n != nil {
		r.cn = strings.ReplaceAll(r.cn, nodeName, n.Name)
	}
	switch {
	case p.isCA():
		r.ca, r.life = true, caLife
		if p.when == nil { // as kubeadm names its own; a CA for people is no host
			r.sans = []string{r.cn}
		}
	case p.sans != nil:
		r.sans = distinct(p.sans(c, n))
	}
	return r
}

// service is the name by which the API server calls a Service that answers for it.
func service(name string) func(*cluster.Cluster, *cluster.Node) []string {
	return func(*cluster.Cluster, *cluster.Node) []string { return []string{name + ".svc"} }
}

func nodeSANs(_ *cluster.Cluster, n *cluster.Node) []string {
	return []string{n.Name, n.IP().String()}
}

func etcdSANs(_ *cluster.Cluster, n *cluster.Node) []string {
	return []string{n.Name, n.IP().String(), "localhost", "127.0.0.1", "::1"}
}

func apiServerSANs(c *cluster.Cluster, n *cluster.Node) []string {
	return append([]string{
		n.Name, n.IP().String(), "localhost", "127.0.0.1",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc." + c.Network.Domain,
		c.APIServiceIP().String(), c.EndpointHost(),
	}, c.PKI.ExtraSANs...)
}

// distinct sorts, drops what is empty or there twice, and writes addresses in
// one form, so that two ways to write a name never reissue a certificate.
func distinct(names []string) []string {
	out := make([]string, 0, len(names))
	for _, name := range names {
		if ip, err := netip.ParseAddr(name); err == nil {
			name = ip.Unmap().String()
		}
		if name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
