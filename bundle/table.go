package bundle

import "path"

// component is one artefact and how to make it. Adding an artefact is one row
// in components, and a folder in modules where its sources are not there yet.
type component struct {
	Name    string
	Kind    Kind
	Group   Group
	Version string
	Path    string // bin/<name> or images/<name>.tar unless set
	Go      goBuild
	C       string     // an embedded C program, instead of Go
	Image   imageRow   // for images
	Needs   []required // on the machine that builds
}

// goBuild is one `go build`.
type goBuild struct {
	Module  string // folder in modules
	Package string // import path
	Tags    string
	LDFlags string
	Cgo     bool
}

// imageRow is what becomes of the program in an image.
type imageRow struct {
	Ref     string
	Also    []string // further references to the same image
	Layer   string   // row in layers that lies under the program
	Program string   // absolute path of the program
	Links   []string // further absolute paths that lead to it
	Cmd     []string
	User    string // root unless set
}

const (
	kubeTags = "selinux,notest,grpcnotrace" // upstream's own
	k8s      = "k8s.io/kubernetes/"
	ctrd     = "github.com/containerd/containerd/v2/"
	ctrdTags = "netgo,osusergo,static_build,urfave_cli_no_docs"
	ctrdVer  = "-X " + ctrd + "version.Version=v2.3.6"
	etcdVer  = "v3.7.2"
	cni      = "github.com/containernetworking/plugins/"
	cniVer   = "-X " + cni + "pkg/utils/buildversion.BuildVersion=v1.9.1"
	ignition = "github.com/coreos/ignition/v2/"
	ignFlags = "-X " + ignition + "internal/version.Raw=v2.27.0" +
		" -X " + ignition + "internal/distro.selinuxRelabel=false" +
		" -X " + ignition + "internal/distro.writeAuthorizedKeysFragment=false"
	nonRoot = "65532:65532"
)

// components is the table of everything, in the order in which it is built:
// what a first cluster needs comes first.
func components(r release) []component {
	kube := func(pkg string) goBuild {
		return goBuild{Module: r.module, Package: k8s + pkg, Tags: kubeTags, LDFlags: r.ldflags()}
	}
	kubeImage := func(name, layer string) imageRow {
		return imageRow{Ref: "registry.k8s.io/" + name + ":" + r.version, Program: "/usr/local/bin/" + name, Layer: layer}
	}
	containerd := func(name string) goBuild {
		return goBuild{Module: "containerd", Package: ctrd + "cmd/" + name, Tags: ctrdTags, LDFlags: ctrdVer}
	}
	etcd := func(name string) goBuild {
		return goBuild{Module: "etcd", Package: "go.etcd.io/etcd/" + name + "/v3"}
	}
	plugin := func(pkg string) goBuild {
		return goBuild{Module: "cni", Package: cni + "plugins/" + pkg, LDFlags: cniVer}
	}
	rows := []component{
		{Name: "kubelet", Group: Node, Version: r.version, Go: kube("cmd/kubelet")},
		{Name: "kube-apiserver", Group: Controller, Version: r.version, Go: kube("cmd/kube-apiserver"), Image: kubeImage("kube-apiserver", "base")},
		{Name: "kube-controller-manager", Group: Controller, Version: r.version, Go: kube("cmd/kube-controller-manager"), Image: kubeImage("kube-controller-manager", "base")},
		{Name: "kube-scheduler", Group: Controller, Version: r.version, Go: kube("cmd/kube-scheduler"), Image: kubeImage("kube-scheduler", "base")},
		{Name: "kubectl", Group: Controller, Version: r.version, Go: kube("cmd/kubectl")},

		{Name: "containerd", Group: Node, Version: "v2.3.6", Go: containerd("containerd")},
		{Name: "containerd-shim-runc-v2", Group: Node, Version: "v2.3.6", Go: containerd("containerd-shim-runc-v2")},
		{Name: "ctr", Group: Node, Version: "v2.3.6", Go: containerd("ctr")},
		{Name: "runc", Group: Node, Version: "v1.4.3", Needs: []required{cCompiler, pkgConfig, libseccomp}, Go: goBuild{
			// Without seccomp every pod fails: the runtime is given a profile.
			Module: "runc", Package: "github.com/opencontainers/runc", Tags: "seccomp,netgo,osusergo", LDFlags: "-extldflags -static", Cgo: true,
		}},
		{Name: "etcd", Group: Controller, Version: etcdVer, Go: etcd("server")},
		{Name: "etcdctl", Group: Controller, Version: etcdVer, Go: etcd("etcdctl")},
		{Name: "etcdutl", Group: Controller, Version: etcdVer, Go: etcd("etcdutl")},
		{Name: "bridge", Path: "cni/bridge", Group: Node, Version: "v1.9.1", Go: plugin("main/bridge")},
		{Name: "host-local", Path: "cni/host-local", Group: Node, Version: "v1.9.1", Go: plugin("ipam/host-local")},
		{Name: "loopback", Path: "cni/loopback", Group: Node, Version: "v1.9.1", Go: plugin("main/loopback")},
		{Name: "portmap", Path: "cni/portmap", Group: Node, Version: "v1.9.1", Go: plugin("meta/portmap")},

		{Name: "pause", Group: Node, Version: "v3.10.1", C: "pause/pause.c", Needs: []required{cCompiler}, Image: imageRow{
			// The second is the one that kubeadm and containerd name by default.
			Ref: "registry.k8s.io/pause:3.10.1", Also: []string{"registry.k8s.io/pause:3.10.2"}, Program: "/pause", User: "65535:65535",
		}},
		{Name: "kube-proxy", Group: Node, Version: r.version, Go: kube("cmd/kube-proxy"), Image: kubeImage("kube-proxy", "network")},
		{Name: "coredns", Group: Node, Version: "v1.14.6", Go: goBuild{Module: "coredns", Package: "github.com/coredns/coredns", Tags: "grpcnotrace"}, Image: imageRow{
			Ref: "registry.k8s.io/coredns/coredns:v1.14.6", Layer: "base", Program: "/coredns", User: nonRoot,
		}},
		{Name: "flannel", Group: Node, Version: "v0.28.9", Go: goBuild{
			Module: "flannel", Package: "github.com/flannel-io/flannel",
			LDFlags: "-X github.com/flannel-io/flannel/pkg/version.Version=v0.28.9",
		}, Image: imageRow{Ref: "ghcr.io/flannel-io/flannel:v0.28.9", Layer: "network", Program: "/opt/bin/flanneld"}},
		{Name: "agnhost", Group: Lab, Version: "v" + r.agnhost, Go: goBuild{
			Module: r.module, Package: k8s + "test/images/agnhost", Tags: kubeTags, LDFlags: "-X main.Version=" + r.agnhost,
		}, Image: imageRow{
			Ref: "registry.k8s.io/e2e-test-images/agnhost:" + r.agnhost, Layer: "tools",
			Program: "/agnhost", Links: []string{"/agnhost-2"}, Cmd: []string{"pause"},
		}},

		{Name: "ignition", Kind: Tool, Group: Lab, Version: "v2.27.0", Needs: []required{cCompiler, libblkid}, Go: goBuild{
			Module: "ignition", Package: ignition + "internal", LDFlags: ignFlags, Cgo: true,
		}},
		{Name: "ignition-validate", Kind: Tool, Group: Lab, Version: "v2.27.0", Go: goBuild{
			Module: "ignition", Package: ignition + "validate", LDFlags: ignFlags,
		}},
		{Name: "kubeadm", Group: Bench, Version: r.version, Go: kube("cmd/kubeadm")},
		{Name: "etcd-image", Group: Bench, Version: etcdVer, Go: etcd("server"), Image: imageRow{
			Ref: "registry.k8s.io/etcd:3.7.2-0", Layer: "base", Program: "/usr/local/bin/etcd",
		}},
		{Name: "kube-vip", Group: Controller, Version: "v1.2.2", Go: goBuild{
			Module: "kube-vip", Package: "github.com/kube-vip/kube-vip", LDFlags: "-X main.Version=v1.2.2",
		}, Image: imageRow{Ref: "ghcr.io/kube-vip/kube-vip:v1.2.2", Layer: "base", Program: "/kube-vip"}},
	}
	rows = append(rows, addonComponents()...)
	for i := range rows {
		rows[i].complete()
	}
	return rows
}

func (c *component) complete() {
	switch {
	case c.Image.Ref != "":
		c.Kind = Image
	case c.Kind == "":
		c.Kind = Binary
	}
	if c.Path == "" {
		c.Path = "bin/" + c.Name
		if c.Kind == Image {
			c.Path = path.Join("images", c.Name+".tar")
		}
	}
	if c.C == "" {
		c.Needs = append(c.Needs, goCompiler)
	}
	if l, ok := layerNamed(c.Image.Layer); ok && len(l.Packages) > 0 {
		c.Needs = append(c.Needs, apt, dpkg)
	}
}
