//go:build lab

package e2e

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// upstreamDir names the folder that this test's binary serves, instead of
// running tests: a server has to run inside the lab's network.
const upstreamDir = "KBM_E2E_UPSTREAM"

func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv(upstreamDir); ok {
		log.Fatal(serveUpstream(dir, upstreamAddress))
	}
	os.Exit(m.Run())
}

// serveUpstream is the world that nodes fetch from: the files of the folder,
// and a registry with the images of its folder images.
func serveUpstream(dir, address string) error {
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	files := http.FileServer(http.Dir(dir))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v2") {
			images.ServeHTTP(w, r)
		} else {
			files.ServeHTTP(w, r)
		}
		log.Println(r.Method, r.URL.Path, "for", r.RemoteAddr)
	})
	failed := make(chan error, 1)
	ready := make(chan error, 1)
	go func() { ready <- pushImages(filepath.Join(dir, "images"), "localhost:5078") }()
	go func() { failed <- http.ListenAndServe("localhost:5078", handler) }()
	select {
	case err := <-failed:
		return err
	case err := <-ready:
		if err != nil {
			return err
		}
	}
	// The address takes connections when all images are there.
	return http.ListenAndServe(address, handler)
}

// pushImages fills the registry with a bundle's images, each below its host.
func pushImages(dir, to string) error {
	archives, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil {
		return err
	}
	for _, archive := range archives {
		tree := strings.TrimSuffix(archive, ".tar")
		if err := os.MkdirAll(tree, 0o755); err != nil {
			return err
		}
		if out, err := exec.Command("tar", "-xf", archive, "-C", tree).CombinedOutput(); err != nil {
			return fmt.Errorf("unpack %s: %w: %s", archive, err, out)
		}
		index, err := layout.ImageIndexFromPath(tree)
		if err != nil {
			return err
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			return err
		}
		first := manifest.Manifests[0]
		image, err := index.Image(first.Digest)
		if err != nil {
			return err
		}
		ref, err := name.ParseReference(to + "/" + first.Annotations["io.containerd.image.name"])
		if err != nil {
			return err
		}
		if err := remote.Write(ref, image); err != nil {
			return err
		}
	}
	return nil
}

// publish lays a bundle out as the projects publish their releases.
const publish = `set -eu
bundle=$1 world=$2 arch=$3
mkdir -p "$world/images"
for image in kube-apiserver kube-controller-manager kube-scheduler pause kube-proxy coredns flannel kube-vip agnhost; do
	ln -s "$bundle/images/$image.tar" "$world/images/"
done
version() { sed -n "/\"name\": \"$1\"/,/}/s/.*\"version\": \"\(.*\)\".*/\1/p" "$bundle/manifest.json"; }
for program in kubelet kubectl; do
	in=$world/dl.k8s.io/release/$(version kubelet)/bin/linux/$arch
	mkdir -p "$in"
	cp "$bundle/bin/$program" "$in/"
	sha256sum <"$in/$program" | cut -c 1-64 >"$in/$program.sha256"
done
github() { in=$world/github.com/$1/releases/download/$2; mkdir -p "$in"; cd "$in"; }
v=$(version containerd); github containerd/containerd "$v"
file=containerd-static-${v#v}-linux-$arch.tar.gz
tar -I "gzip -1" -cf "$file" -C "$bundle" bin/containerd bin/containerd-shim-runc-v2 bin/ctr
sha256sum "$file" >"$file.sha256sum"
v=$(version runc); github opencontainers/runc "$v"
cp "$bundle/bin/runc" runc.$arch
sha256sum runc.$arch >runc.sha256sum
v=$(version etcd); github etcd-io/etcd "$v"
tar -I "gzip -1" -cf "etcd-$v-linux-$arch.tar.gz" --transform "s,^bin,etcd-$v-linux-$arch," -C "$bundle" bin/etcd bin/etcdctl bin/etcdutl
sha256sum ./*.tar.gz >SHA256SUMS
v=$(version bridge); github containernetworking/plugins "$v"
tar -I "gzip -1" -cf "cni-plugins-linux-$arch-$v.tgz" -C "$bundle/cni" .
sha256sum "cni-plugins-linux-$arch-$v.tgz" >"cni-plugins-linux-$arch-$v.tgz.sha256"
`
