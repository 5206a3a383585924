package bundle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// upstream is where a project publishes a program. In its texts {arch} is
// amd64 or arm64, {version} is the component's v1.2.3, and {number} 1.2.3.
type upstream struct {
	URL    string // of the program, or of the archive that holds it
	Sums   string // of the file with its sha256; {url} is URL
	Member string // path in the archive; empty where URL is the program itself
	Why    string // instead of all that: why there is nothing to pull
}

const (
	ownTests = "only kbm's own tests run it, and they want what they built"
	fromK8s  = "https://dl.k8s.io/release/{version}/bin/linux/{arch}/"
	fromCtrd = "https://github.com/containerd/containerd/releases/download/{version}/"
	fromRunc = "https://github.com/opencontainers/runc/releases/download/{version}/"
	fromEtcd = "https://github.com/etcd-io/etcd/releases/download/{version}/"
	fromCNI  = "https://github.com/containernetworking/plugins/releases/download/{version}/"
	etcdDir  = "etcd-{version}-linux-{arch}"
)

// upstreams is the table of the programs' sources, by the component's name.
// Images need no row: their reference says where they are. docs/bundle.md names
// the page of each project that documents its layout.
func upstreams() map[string]upstream {
	kube := func(name string) upstream { return upstream{URL: fromK8s + name, Sums: "{url}.sha256"} }
	containerd := func(name string) upstream {
		// The static build: the other one wants the glibc of its builder.
		return upstream{
			URL:  fromCtrd + "containerd-static-{number}-linux-{arch}.tar.gz",
			Sums: "{url}.sha256sum", Member: "bin/" + name,
		}
	}
	etcd := func(name string) upstream {
		return upstream{URL: fromEtcd + etcdDir + ".tar.gz", Sums: fromEtcd + "SHA256SUMS", Member: etcdDir + "/" + name}
	}
	plugin := func(name string) upstream {
		return upstream{URL: fromCNI + "cni-plugins-linux-{arch}-{version}.tgz", Sums: "{url}.sha256", Member: name}
	}
	return map[string]upstream{
		"kubelet":                 kube("kubelet"),
		"kubectl":                 kube("kubectl"),
		"kubeadm":                 kube("kubeadm"),
		"containerd":              containerd("containerd"),
		"containerd-shim-runc-v2": containerd("containerd-shim-runc-v2"),
		"ctr":                     containerd("ctr"),
		"runc":                    {URL: fromRunc + "runc.{arch}", Sums: fromRunc + "runc.sha256sum"},
		"etcd":                    etcd("etcd"),
		"etcdctl":                 etcd("etcdctl"),
		"etcdutl":                 etcd("etcdutl"),
		"bridge":                  plugin("bridge"),
		"host-local":              plugin("host-local"),
		"loopback":                plugin("loopback"),
		"portmap":                 plugin("portmap"),

		"ignition":          {Why: "its project publishes no program of it"},
		"ignition-validate": {Why: ownTests},
		"pebble":            {Why: ownTests},
		"dex":               {Why: "its project publishes no program of it"},
	}
}

// upstream is where the component is published for an architecture. An image
// has none of it but its reference.
func (c component) upstream(arch string) (upstream, error) {
	if c.Kind == Image {
		return upstream{URL: c.Image.Ref}, nil
	}
	u, ok := upstreams()[c.Name]
	if !ok {
		u.Why = "kbm does not know where it is published"
	}
	if u.Why != "" {
		return u, fmt.Errorf("%s cannot be pulled: %s: use `kbm bundle build %s`", c.Name, u.Why, c.Name)
	}
	fill := func(text string) string {
		text = strings.ReplaceAll(text, "{url}", u.URL)
		return strings.NewReplacer("{arch}", arch, "{version}", c.Version, "{number}", strings.TrimPrefix(c.Version, "v")).Replace(text)
	}
	return upstream{URL: fill(u.URL), Sums: fill(u.Sums), Member: fill(u.Member)}, nil
}

// choosePulled selects the rows to pull. What cannot be pulled is an error
// where it was asked for by name, or where nothing is left of what was asked;
// of a group it is left out, and told.
func choosePulled(r release, arch string, only []string) (rows []component, leftOut []error, err error) {
	if len(only) == 0 {
		only = []string{string(Node), string(Controller), string(Addons)}
	}
	asked, err := selectRows(components(r), only)
	if err != nil {
		return nil, nil, err
	}
	var refused []error
	for _, row := range asked {
		_, err := row.upstream(arch)
		switch {
		case err == nil:
			rows = append(rows, row)
		case slices.Contains(only, row.Name):
			refused = append(refused, err)
		default:
			leftOut = append(leftOut, err)
		}
	}
	if len(rows) == 0 {
		refused = append(refused, leftOut...)
	}
	return rows, leftOut, errors.Join(refused...)
}
