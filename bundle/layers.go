package bundle

import (
	"encoding/pem"
	"slices"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// layerRow is what lies under a program in its image: the few files that every
// image has, Debian packages where the program calls others, and links.
type layerRow struct {
	Name     string
	Packages []string
	Links    map[string]string // path → target
}

func layers() []layerRow {
	return []layerRow{
		{Name: "base"},
		// kube-proxy and flannel drive nft or iptables. Debian's links to the
		// latter are made by its package's script, which is not run here.
		{Name: "network", Packages: []string{"nftables", "iptables", "conntrack"}, Links: linksTo("xtables-nft-multi",
			"usr/sbin", "iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore")},
		// What people and tests call in the test image's shell.
		{Name: "tools", Packages: []string{"busybox", "curl"}, Links: linksTo("busybox", "usr/bin",
			"sh", "cat", "cp", "cut", "date", "dd", "df", "echo", "env", "false", "find", "free", "grep", "head", "hostname",
			"id", "ip", "kill", "ln", "ls", "mkdir", "mktemp", "mount", "mv", "nc", "netstat", "nslookup", "ping", "ps", "pwd",
			"readlink", "rm", "sed", "seq", "sha256sum", "sleep", "sort", "stat", "tail", "tar", "test", "timeout", "top",
			"touch", "tr", "true", "umount", "uname", "uniq", "vi", "wc", "wget", "which", "whoami", "xargs")},
	}
}

func linksTo(target, dir string, names ...string) map[string]string {
	links := map[string]string{}
	for _, name := range names {
		links[dir+"/"+name] = target
	}
	return links
}

func layerNamed(name string) (layerRow, bool) {
	all := layers()
	i := slices.IndexFunc(all, func(l layerRow) bool { return l.Name == name })
	if i < 0 {
		return layerRow{}, false
	}
	return all[i], true
}

// baseEntries are in every layer: programs look up their user, make temporary
// files, and speak TLS to the outside.
func baseEntries() []entry {
	return []entry{
		{Name: "etc/passwd", Mode: 0o644, Data: []byte(
			"root:x:0:0:root:/root:/sbin/nologin\n" +
				"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n" +
				"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
		{Name: "etc/group", Mode: 0o644, Data: []byte("root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n")},
		{Name: "etc/nsswitch.conf", Mode: 0o644, Data: []byte("hosts: files dns\n")},
		{Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Data: rootCertificates()},
		{Name: "root", Dir: true, Mode: 0o700},
		{Name: "run", Dir: true, Mode: 0o755},
		{Name: "tmp", Dir: true, Mode: 0o1777},
		{Name: "var/run", Link: "../run"},
	}
}

// rootCertificates are the public CAs as PEM. They come from a Go module and
// not from this machine, which may trust a company's own CA. A CA under a
// constraint that PEM cannot state is left out.
func rootCertificates() []byte {
	var out strings.Builder
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return []byte(out.String())
}
