package bundle

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// images that a cluster without addons runs, as upstream names them.
func clusterImages() []string {
	var refs []string
	for _, c := range components(releases()[0]) {
		if c.Kind == Image && (c.Group == Node || c.Group == Controller) {
			refs = append(refs, c.Image.Ref)
		}
	}
	return refs
}

// Everything of a cluster, for both architectures: each file where the manifest
// says, byte for byte what upstream has; and nobody is asked a second time.
func TestPullBringsAWholeCluster(t *testing.T) {
	ctx := context.Background()
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			w := newWorld(t)
			w.publish(t, arch, clusterImages()...)
			o := w.options(t.TempDir(), "node", "controller")
			o.Arch = arch
			b, err := Pull(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Require("node", "controller"); err != nil {
				t.Error(err)
			}
			for _, name := range []string{"kubelet", "kubectl", "containerd", "ctr", "runc", "etcd", "etcdutl", "bridge", "portmap"} {
				a, _ := b.Find(name)
				got, err := os.ReadFile(b.File(a))
				info, _ := os.Stat(b.File(a))
				if err != nil || hexOf(got) != hexOf(program(name, arch)) || info.Mode().Perm() != 0o755 {
					t.Errorf("%s: %v, %v, not upstream's bytes", name, info, err)
				}
			}
			checkImageFile(t, b, "kube-proxy", arch)
			if err := b.Verify(ctx); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(b.Dir(), "build", "pull")); err == nil {
				t.Error("the downloads were left behind")
			}
			before := len(w.requests())
			if _, err := Pull(ctx, o); err != nil || len(w.requests()) != before {
				t.Errorf("a second pull asked %d times: %v", len(w.requests())-before, err)
			}
		})
	}
}

// checkImageFile reads the archive back: the digest must be upstream's, or
// nobody could compare it with a registry.
func checkImageFile(t *testing.T, b *Bundle, name, arch string) {
	t.Helper()
	a, ok := b.Find(name)
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	f, err := os.Open(b.File(a))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	tree := t.TempDir()
	if err := os.CopyFS(tree, untar(t, f)); err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(tree)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	want, err := imageFor(t, a.Image, arch).Digest()
	if err != nil {
		t.Fatal(err)
	}
	m := manifest.Manifests[0]
	if m.Digest != want || m.Annotations["io.containerd.image.name"] != a.Image {
		t.Errorf("%s is %s %v, upstream has %s", name, m.Digest, m.Annotations, want)
	}
	img, err := index.Image(m.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if layers, err := img.Layers(); err != nil || len(layers) != 2 {
		t.Errorf("%s has layers %v, %v", name, layers, err)
	}
}

func TestPullPinsWhatItBrought(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.publish(t, "amd64", "registry.k8s.io/pause:3.10.1")
	o := w.options(t.TempDir(), "kubelet", "etcd", "pause")
	b, err := Pull(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile(filepath.Join(b.Dir(), pinsFile))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), w.URL) {
		t.Error("the lock names the mirror, and would not hold for upstream")
	}
	// Upstream changes all three. What is here stays; what has to be fetched
	// again is refused, and both sums are named.
	was := hexOf(w.files["/dl/release/v1.37.1/bin/linux/amd64/kubelet"])
	w.files["/dl/release/v1.37.1/bin/linux/amd64/kubelet"] = []byte("another kubelet")
	now := hexOf([]byte("another kubelet"))
	w.files["/dl/release/v1.37.1/bin/linux/amd64/kubelet.sha256"] = []byte(now + "\n")
	etcd := "/gh/etcd-io/etcd/releases/download/" + etcdVer + "/"
	w.files[etcd+"SHA256SUMS"] = []byte(now + "  etcd-" + etcdVer + "-linux-amd64.tar.gz")
	w.publishImage(t, "registry.k8s.io/pause:3.10.1", "amd64")
	if _, err := Pull(ctx, o); err != nil {
		t.Errorf("all was in place: %v", err)
	}
	for _, name := range []string{"kubelet", "etcd", "pause"} {
		a, _ := b.Find(name)
		if err := os.Remove(b.File(a)); err != nil {
			t.Fatal(err)
		}
	}
	pause, _ := b.Find("pause")
	before := b.manifest.Artefacts
	_, err = Pull(ctx, o)
	for _, want := range []string{
		"kubelet: https://dl.k8s.io/release/v1.37.1/bin/linux/amd64/kubelet is now " + now, was, pinsFile,
		"etcd: https://github.com/etcd-io/etcd/releases",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "pause") {
		t.Errorf("the image did not change: %v", err)
	}
	if after, err := Open(b.Dir()); err != nil || !slices.Equal(after.manifest.Artefacts, before) {
		t.Errorf("the manifest changed: %v", err)
	}
	if got, err := hashFile(ctx, b.File(pause)); err != nil || got != pause.SHA256 {
		t.Errorf("the same image gave another file: %v", err)
	}
	changed := strings.Replace(string(lock), was, now, 1)
	overwrite(t, filepath.Join(b.Dir(), pinsFile), changed)
	if _, err := Pull(ctx, w.options(b.Dir(), "kubelet")); err != nil {
		t.Errorf("whoever edits the lock accepts the change: %v", err)
	}
	overwrite(t, filepath.Join(b.Dir(), pinsFile), "{")
	if _, err := Pull(ctx, o); err == nil || !strings.Contains(err.Error(), pinsFile) {
		t.Errorf("a spoilt lock: %v", err)
	}
}

func TestPullRefusesWhatItCannotDo(t *testing.T) {
	w := newWorld(t)
	for want, change := range map[string]func(o *PullOptions){
		`no artefact or group is called "kubelot"`:                  func(o *PullOptions) { o.Only = []string{"kubelot"} },
		`architecture "mips" is not one of nodes`:                   func(o *PullOptions) { o.Arch = "mips" },
		"kubernetes v1.2.3 is not one of":                           func(o *PullOptions) { o.Kubernetes = "v1.2.3" },
		"ignition cannot be pulled: its project":                    func(o *PullOptions) { o.Only = []string{"kubelet", "ignition"} },
		"pebble cannot be pulled: only kbm's own":                   func(o *PullOptions) { o.Only = []string{"traffic"} },
		`mirror of "example.com": nothing is pulled`:                func(o *PullOptions) { o.Mirrors["example.com"] = "https://a" },
		"mirror of ghcr.io: the URL is not a URL":                   func(o *PullOptions) { o.Mirrors["ghcr.io"] = "mirror.lan" },
		"mirror of ghcr.io: the URL has a user in it: leave it out": func(o *PullOptions) { o.Mirrors["ghcr.io"] = "https://me:secret@a" },
	} {
		o := w.options(filepath.Join(t.TempDir(), "new"))
		change(&o)
		_, err := Pull(context.Background(), o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("want %q, got %v", want, err)
		}
		if _, err := os.Stat(o.Dir); err == nil {
			t.Errorf("%s: the folder was made", want)
		}
	}
	var told []PullEvent
	o := w.options(t.TempDir(), "lab")
	o.Progress = func(e PullEvent) { told = append(told, e) }
	_, err := Pull(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "agnhost: ") {
		t.Errorf("the lab's image is pulled, and is not there: %v", err)
	}
	if len(told) < 2 || told[0].State != LeftOut || !strings.Contains(told[0].Detail, "ignition") {
		t.Errorf("nobody was told what is left out: %+v", told)
	}
}

// Two files of the same bytes are still two files.
func TestPullOfTheSameBytesTwice(t *testing.T) {
	w := newWorld(t)
	w.publish(t, "amd64")
	for _, file := range []string{"", ".sha256"} {
		w.files[strings.Replace(kubeletPath, "kubelet", "kubectl", 1)+file] = w.files[kubeletPath+file]
	}
	b, err := Pull(context.Background(), w.options(t.TempDir(), "kubelet", "kubectl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Verify(context.Background()); err != nil {
		t.Error(err)
	}
}
