package ignition

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/pki"
)

// What tells how a controller stands.
const (
	// RevisionVariable in the environment of a static pod's process tells which
	// manifest it was started from.
	RevisionVariable = "KBM_REVISION"
	// EtcdInitialFile names the members that a new member begins with.
	EtcdInitialFile = "/etc/etcd/initial.env"
	// EtcdDataPath exists once a member holds data. Its parent is not enough:
	// it is made by an attempt to start, too.
	EtcdDataPath = "/var/lib/etcd/member/wal"
)

const (
	// ManifestDir holds a file for each static pod.
	ManifestDir  = kubernetesDir + "/manifests"
	apiserverDir = kubernetesDir + "/apiserver"
)

// controller is the control plane: etcd as a unit, which stays debuggable when
// the kubelet does not, and the rest as static pods.
func (b *builder) controller() {
	b.etcd()
	b.controlPlaneKeys()
	b.apiserverConfig()
	b.kubeconfig("controller-manager.conf", "controller-manager", b.localAPI())
	b.kubeconfig("scheduler.conf", "scheduler", b.localAPI())
	b.staticPod("kube-apiserver")
	b.staticPod("kube-controller-manager")
	b.staticPod("kube-scheduler")
	if b.in.Cluster.Endpoint.VIP != "" {
		b.virtualIP()
	}
}

// localAPI is the API server on the same machine: what runs on a controller
// does not need the endpoint to live.
func (b *builder) localAPI() string {
	return fmt.Sprintf("https://%s:%d", hostInURL(b.addr), b.in.Cluster.APIServerPort())
}

func (b *builder) etcd() {
	const unit = "etcd.service"
	var members []string
	for _, n := range b.in.Cluster.Controllers() {
		members = append(members, fmt.Sprintf("%s=https://%s:2380", n.Name, hostInURL(n.IP())))
	}
	data := b.with(map[string]any{"EtcdInitialCluster": strings.Join(members, ",")})
	b.dir(Dir{Path: "/var/lib/etcd", Mode: 0o700, Stage: Joined})
	// What is written here matters until the member has its data, and never again.
	b.file(File{
		Path: EtcdInitialFile, Mode: 0o644, Stage: Joined, Until: EtcdDataPath,
		Content: b.render("etc/etcd/initial.env", data),
	})
	b.file(File{
		Path: b.os.BinDir + "/kbm-etcdctl", Mode: 0o755, Stage: Joined,
		Content: b.render("bin/kbm-etcdctl", data),
	})
	b.file(File{Path: pkiDir + "/etcd/ca.crt", Mode: 0o644, Content: b.in.PKI.Get(pki.EtcdCA).Cert, Stage: Joined, Restarts: []string{unit}})
	// etcd reads its certificates again with each connection.
	b.pair(pkiDir+"/etcd", "server", b.keys.Get(pki.EtcdServer))
	b.pair(pkiDir+"/etcd", "peer", b.keys.Get(pki.EtcdPeer))
	b.pair(pkiDir+"/etcd", "healthcheck-client", b.in.PKI.Get(pki.EtcdHealthcheckClient))
	b.unit(Unit{
		Name: unit, Enabled: true, Started: true, Stage: Joined,
		Content: string(b.render("etc/systemd/system/etcd.service", data)),
	})
}

// controlPlaneKeys are shared by all controllers, but for the serving
// certificate. The CA's key is there because the controller manager signs the
// kubelets' renewals with it.
func (b *builder) controlPlaneKeys() {
	b.file(File{Path: pkiDir + "/ca.key", Mode: 0o600, Content: b.in.PKI.Get(pki.CA).Key, Secret: true, Stage: Joined})
	b.file(File{Path: pkiDir + "/front-proxy-ca.crt", Mode: 0o644, Content: b.in.PKI.Get(pki.FrontProxyCA).Cert, Stage: Joined})
	b.file(File{Path: pkiDir + "/sa.key", Mode: 0o600, Content: b.in.PKI.ServiceAccount.Private, Secret: true, Stage: Joined})
	b.file(File{Path: pkiDir + "/sa.pub", Mode: 0o644, Content: b.in.PKI.ServiceAccount.Public, Stage: Joined})
	b.pair(pkiDir, "apiserver", b.keys.Get(pki.APIServer))
	for _, name := range []pki.Name{
		pki.APIServerKubeletClient, pki.APIServerEtcdClient, pki.FrontProxyClient, pki.ControllerManager, pki.Scheduler,
	} {
		b.pair(pkiDir, string(name), b.in.PKI.Get(name))
	}
}

func (b *builder) apiserverConfig() {
	c := b.in.Cluster
	add := func(name string, data map[string]any, secret bool) {
		b.file(File{
			Path: apiserverDir + "/" + name, Mode: 0o600, Stage: Joined, Secret: secret,
			Content: b.render("etc/kubernetes/"+name, data),
		})
	}
	add("authentication.yaml", b.data, false)
	add("admission.yaml", b.with(map[string]any{"PodSecurity": c.Security.PodSecurity}), false)
	if *c.Security.Audit {
		add("audit.yaml", b.data, false)
	}
	if *c.Security.EncryptionAtRest {
		key := base64.StdEncoding.EncodeToString(b.in.PKI.EncryptionKey)
		add("encryption.yaml", b.with(map[string]any{"EncryptionKey": key}), true)
	}
}

// staticPod adds a manifest. The kubelet restarts the pod when the manifest
// changes, so it carries a hash of the files that the pod reads, and of itself:
// a process that runs tells by it whether it is the one that is wanted.
func (b *builder) staticPod(name string) {
	c := b.in.Cluster
	data := b.with(map[string]any{
		"Image":            b.artefact(name).Image,
		"Revision":         "",
		"APIPort":          c.APIServerPort(),
		"ServiceCIDR":      c.Network.ServiceCIDR,
		"PodCIDR":          c.Network.PodCIDR,
		"Audit":            *c.Security.Audit,
		"EncryptionAtRest": *c.Security.EncryptionAtRest,
		// Alone, a controller has nobody to agree with, and starts seconds earlier.
		"LeaderElect": len(c.Controllers()) > 1,
		"VIP":         c.Endpoint.VIP,
		"VIPPrefix":   b.addr.BitLen(), // a single address
	})
	template := "etc/kubernetes/manifests/" + name + ".yaml"
	data["Revision"] = b.hash(b.render(template, data))
	b.file(File{
		Path: ManifestDir + "/" + name + ".yaml", Mode: 0o600, Stage: Joined,
		Content: b.render(template, data),
	})
}

// hash is over a manifest and the files that the pod reads: those which the
// manifest names, and those which they name in turn, as a kubeconfig does.
func (b *builder) hash(manifest []byte) string {
	direct := bytes.Join(append(b.named(manifest), manifest), nil)
	all := sha256.Sum256(bytes.Join(append(b.named(direct), manifest), nil))
	return hex.EncodeToString(all[:])[:16]
}

// named are the contents of the files whose paths stand in a text, in order of path.
func (b *builder) named(text []byte) [][]byte {
	files := slices.Clone(b.m.Files)
	slices.SortFunc(files, func(x, y File) int { return strings.Compare(x.Path, y.Path) })
	var contents [][]byte
	for _, f := range files {
		if bytes.Contains(text, []byte(f.Path)) {
			contents = append(contents, f.Content)
		}
	}
	return contents
}

// kubeVIP is the program that holds a virtual address, its image, its pod and
// its identity.
const kubeVIP = "kube-vip"

// virtualIP has kube-vip hold the endpoint's address on one of the controllers.
// On which interface, the machine itself finds out: it is the one that has the
// node's address, whatever the spec says of names, MAC addresses and gateways.
func (b *builder) virtualIP() {
	b.unit(Unit{
		Name: "kbm-vip.service", Enabled: true, Started: true, Stage: Joined,
		Content: string(b.render("etc/systemd/system/kbm-vip.service", b.data)),
	})
	b.pair(pkiDir, kubeVIP, b.in.PKI.Get(pki.KubeVIP))
	b.kubeconfig("kube-vip.conf", kubeVIP, b.localAPI())
	b.staticPod(kubeVIP)
}
