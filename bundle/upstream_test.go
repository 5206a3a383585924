package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// world stands for all upstreams: one server over TLS with the files of
// dl.k8s.io below /dl, those of github.com below /gh, and a real registry.
type world struct {
	*httptest.Server
	files  map[string][]byte
	images http.Handler // the registry

	mu    sync.Mutex
	asked []string // "GET /path", and " bytes=…" where a range was asked
	other answer
}

// answer may answer a request instead of upstream.
type answer func(out http.ResponseWriter, r *http.Request) bool

func (w *world) answer(a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.other = a
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{files: map[string][]byte{}, images: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Range")))
		other := w.other
		w.mu.Unlock()
		if other != nil && other(out, r) {
			return
		}
		if strings.HasPrefix(r.URL.Path, "/v2") {
			w.images.ServeHTTP(out, r)
			return
		}
		data, ok := w.files[r.URL.Path]
		if !ok {
			http.NotFound(out, r)
			return
		}
		http.ServeContent(out, r, "", time.Time{}, bytes.NewReader(data))
	}))
	w.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(w.Close)
	return w
}

func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

func (w *world) mirrors() Mirrors {
	m := Mirrors{"dl.k8s.io": w.URL + "/dl", "github.com": w.URL + "/gh"}
	for _, host := range []string{"registry.k8s.io", "ghcr.io", "quay.io", "docker.io"} {
		m[host] = w.URL + "/" + host
	}
	return m
}

func (w *world) options(dir string, only ...string) PullOptions {
	return PullOptions{
		Dir: dir, Arch: "amd64", Only: only, Mirrors: w.mirrors(), Transport: w.Client().Transport,
		Timeout: 5 * time.Second, pause: time.Millisecond,
	}
}

// publish serves a release as its projects lay it out. It does not read the
// table under test but for the versions.
func (w *world) publish(t *testing.T, arch string, images ...string) {
	t.Helper()
	versions := map[string]string{}
	for _, c := range components(releases()[0]) {
		versions[c.Name] = c.Version
	}
	for _, name := range []string{"kubelet", "kubectl", "kubeadm"} {
		file := "/dl/release/" + versions["kubelet"] + "/bin/linux/" + arch + "/" + name
		w.files[file] = program(name, arch)
		w.files[file+".sha256"] = []byte(hexOf(w.files[file])) // no name, no newline
	}
	v := versions["containerd"]
	w.listed("/gh/containerd/containerd/releases/download/"+v+"/containerd-static-"+v[1:]+"-linux-"+arch+".tar.gz", ".sha256sum",
		archiveOf(t, arch, "bin/containerd", "bin/containerd-shim-runc-v2", "bin/ctr", "bin/containerd-stress"))
	v = versions["bridge"]
	w.listed("/gh/containernetworking/plugins/releases/download/"+v+"/cni-plugins-linux-"+arch+"-"+v+".tgz", ".sha256",
		archiveOf(t, arch, "./bandwidth", "./bridge", "./host-local", "./loopback", "./portmap", "./LICENSE"))
	v = versions["etcd"]
	folder, file := "/gh/etcd-io/etcd/releases/download/"+v+"/", "etcd-"+v+"-linux-"+arch
	w.files[folder+file+".tar.gz"] = archiveOf(t, arch, file+"/README.md", file+"/etcd", file+"/etcdctl", file+"/etcdutl")
	w.files[folder+"SHA256SUMS"] = []byte(strings.Repeat("0", 64) + "  etcd-" + v + "-darwin-amd64.zip\n" + hexOf(w.files[folder+file+".tar.gz"]) + "  " + file + ".tar.gz\n")
	folder = "/gh/opencontainers/runc/releases/download/" + versions["runc"] + "/"
	w.files[folder+"runc."+arch] = program("runc", arch)
	w.files[folder+"runc.sha256sum"] = []byte("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n" + hexOf(w.files[folder+"runc."+arch]) +
		" *runc." + arch + "\n-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n")
	for _, image := range images {
		w.publishImage(t, image, arch)
	}
}

// listed serves a file, and beside it the list with its sha256.
func (w *world) listed(file, suffix string, data []byte) {
	w.files[file] = data
	w.files[file+suffix] = []byte(hexOf(data) + "  " + path.Base(file) + "\n")
}

// publishImage pushes an image for two architectures under one tag.
func (w *world) publishImage(t *testing.T, image, arch string) {
	t.Helper()
	index := v1.ImageIndex(empty.Index)
	for _, a := range []string{"s390x", arch} {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: imageFor(t, image, a), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: a}},
		})
	}
	host := strings.TrimPrefix(w.URL, "https://")
	ref, err := name.ParseReference(host + "/" + image)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithTransport(w.Client().Transport)); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.asked = nil
	w.mu.Unlock()
}

func imageFor(t *testing.T, image, arch string) v1.Image {
	t.Helper()
	img, err := random.Image(400<<10, 2, random.WithSource(seeded{source(image + arch)}))
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

// program stands for one: a few hundred kilobytes that no two share.
func program(name, arch string) []byte {
	data := make([]byte, 700<<10)
	_, _ = source(name + arch).Read(data)
	return data
}

func source(text string) *rand.ChaCha8 { return rand.NewChaCha8(sha256.Sum256([]byte(text))) }

// seeded is a source of numbers as the library of images wants it.
type seeded struct{ *rand.ChaCha8 }

func (s seeded) Int63() int64 { return int64(s.Uint64() >> 1) }
func (s seeded) Seed(int64)   {}

func archiveOf(t *testing.T, arch string, members ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	in := tar.NewWriter(packed)
	for _, member := range members {
		data := program(path.Base(member), arch)
		if err := in.WriteHeader(&tar.Header{Name: member, Mode: 0o755, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func hexOf(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
