package ignition

import (
	"path"
	"slices"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

const (
	kubernetesDir = "/etc/kubernetes"
	pkiDir        = "/etc/kubernetes/pki"
	unitDir       = "/etc/systemd/system"
	imageDir      = "/var/lib/kbm/images"
)

// vxlanOverhead is what VXLAN adds to each packet of a pod, in bytes.
const vxlanOverhead = 50

// joined is what makes a machine a node of the cluster: the container runtime,
// the images and the kubelet.
func (b *builder) joined() {
	b.containerd()
	b.artefacts()
	b.kubelet()
}

// artefacts are the binaries and images of the bundle that this node needs.
func (b *builder) artefacts() {
	for _, a := range b.in.Bundle.Artefacts {
		if b.needs(a) && !b.fromRegistry(a) {
			b.file(b.artefactFile(a))
		}
	}
	b.file(File{
		Path: b.os.BinDir + "/kbm-import-images", Mode: 0o755, Stage: Joined,
		Content: b.render("bin/kbm-import-images", b.data),
	})
	b.unit(Unit{
		Name: "kbm-images.service", Enabled: true, Started: true, Stage: Joined,
		Content: string(b.render("etc/systemd/system/kbm-images.service", b.data)),
	})
}

func (b *builder) needs(a bundle.Artefact) bool {
	switch a.Group {
	case bundle.Node:
		return true
	case bundle.Controller:
		used := a.Name != kubeVIP || b.in.Cluster.Endpoint.VIP != ""
		return b.in.Node.Role == cluster.Controller && used
	}
	// Pods of addons may come to any node.
	addon := slices.Contains(b.in.Cluster.Addons.Enabled(), string(a.Group))
	return a.Kind == bundle.Image && (addon || slices.Contains(b.in.Cluster.Bundle.Images, a.Name))
}

// restartsOf names the units that run a binary of the bundle.
func restartsOf(binary string) []string {
	switch binary {
	case "containerd":
		return []string{"containerd.service"}
	case "kubelet":
		return []string{"kubelet.service"}
	case "etcd":
		return []string{"etcd.service"}
	}
	return nil
}

func (b *builder) artefactFile(a bundle.Artefact) File {
	f := File{
		Mode: 0o755, Stage: Joined, Restarts: restartsOf(a.Name),
		Artefact: &Artefact{Name: a.Name, SHA256: a.SHA256, Size: a.Size},
	}
	b.online(f.Artefact, a)
	switch dir, name := path.Split(a.Path); {
	case a.Kind == bundle.Image:
		f.Path, f.Mode, f.Restarts = imageDir+"/"+name, 0o644, []string{"kbm-images.service"}
	case dir == "cni/":
		f.Path = "/opt/cni/bin/" + name
	default:
		f.Path = b.os.BinDir + "/" + name
	}
	return f
}

func (b *builder) containerd() {
	route := "0.0.0.0/0"
	if b.addr.Is6() {
		route = "::/0"
	}
	data := b.with(map[string]any{
		"PauseImage":   b.artefact("pause").Image,
		"MirrorsDir":   b.mirrorsDir(),
		"PodMTU":       b.in.Cluster.Network.MTU - vxlanOverhead,
		"DefaultRoute": route,
	})
	const unit = "containerd.service"
	b.file(File{
		Path: "/etc/containerd/config.toml", Mode: 0o644, Stage: Joined, Restarts: []string{unit},
		Content: b.render("etc/containerd/config.toml", data),
	})
	b.file(File{
		Path: "/etc/containerd/cni.conflist", Mode: 0o644, Stage: Joined, Restarts: []string{unit},
		Content: b.render("etc/containerd/cni.conflist", data),
	})
	b.mirrors()
	b.unit(Unit{
		Name: unit, Enabled: true, Started: true, Stage: Joined,
		Content: string(b.render("etc/systemd/system/containerd.service", data)),
	})
}

func (b *builder) kubelet() {
	c := b.in.Cluster
	const unit = "kubelet.service"
	server := c.EndpointURL()
	if b.in.Node.Role == cluster.Controller {
		server = b.localAPI()
	}
	data := b.with(map[string]any{
		"DNSServiceIP": c.DNSServiceIP().String(),
		"Taints":       c.TaintsOf(b.in.Node),
		"WebPorts":     slices.Contains(c.Addons.Ingress.HostNetworkRoles(), b.in.Node.Role),
	})
	// The folder of the drop-ins must exist, or the kubelet does not start.
	b.dir(Dir{Path: kubernetesDir + "/kubelet.conf.d", Mode: 0o755, Stage: Joined})
	b.file(File{
		Path: "/etc/sysctl.d/90-kbm.conf", Mode: 0o644, Stage: Joined, Restarts: []string{unit},
		Content: b.render("etc/sysctl.d/kbm.conf", data),
	})
	b.file(File{
		Path: kubernetesDir + "/kubelet.yaml", Mode: 0o644, Stage: Joined, Restarts: []string{unit},
		Content: b.render("etc/kubernetes/kubelet.yaml", data),
	})
	b.kubeconfig("kubelet.conf", "kubelet-client", server, unit)
	b.file(File{Path: pkiDir + "/ca.crt", Mode: 0o644, Content: b.in.PKI.Get(pki.CA).Cert, Stage: Joined, Restarts: []string{unit}})
	b.pair(pkiDir, "kubelet-client", b.keys.Get(pki.KubeletClient), unit)
	// The kubelet reads its serving certificate again by itself.
	b.pair(pkiDir, "kubelet-serving", b.keys.Get(pki.KubeletServing))
	b.unit(Unit{
		Name: unit, Enabled: true, Started: true, Stage: Joined,
		Content: string(b.render("etc/systemd/system/kubelet.service", data)),
	})
}

// kubeconfig adds a kubeconfig whose certificate is a pair of the same name.
func (b *builder) kubeconfig(name, user, server string, restarts ...string) {
	b.file(File{
		Path: kubernetesDir + "/" + name, Mode: 0o600, Stage: Joined, Restarts: restarts,
		Content: b.render("etc/kubernetes/kubeconfig", b.with(map[string]any{"Server": server, "User": user, "Dir": pkiDir})),
	})
}
