package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/bundle"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func filesOf(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := statOf(info)
	if err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// aBundle holds one program and one image, which have these contents.
func aBundle(contents ...string) bundle.Manifest {
	m := bundle.Manifest{Kubernetes: "v1.37.1", Arch: "amd64"}
	for _, content := range contents {
		sum := sha256.Sum256([]byte(content))
		m.Artefacts = append(m.Artefacts, bundle.Artefact{Name: content, SHA256: hex.EncodeToString(sum[:])})
	}
	return m
}

const blob = "io.containerd.content.v1.content/blobs/sha256/b1"

// stockOf keeps what a made-up machine has: the bundle, and what is its own.
func stockOf(t *testing.T, cacheDir string, m bundle.Manifest) (Stock, error) {
	t.Helper()
	machine := t.TempDir()
	write(t, machine, map[string]string{
		"root/opt/bin/kubelet":                  "kubelet",
		"root/opt/bin/token":                    "a person's own",
		"root/etc/kubernetes/pki/ca.key":        "PRIVATE KEY",
		"root/var/lib/kbm/inventory.json":       "{}",
		"root/var/lib/kbm/images/pause.tar":     "pause",
		"containerd/" + blob:                    "blob",
		"containerd/meta.db":                    "database",
		"containerd/" + introspection + "/uuid": "who it is",
		"containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/pause": "layer",
	})
	s := Stock{Path: stockPath(cacheDir, m)}
	return s.replace(func(half Stock) (Stock, error) {
		return half.fill(t.Context(), filepath.Join(machine, "root"), filepath.Join(machine, "containerd"), m)
	})
}

// A stock holds what is of the bundle to the last byte, and nothing that is a
// machine's own.
func TestStockHoldsTheBundleOnly(t *testing.T) {
	cache, m := t.TempDir(), aBundle("kubelet", "pause")
	if _, err := FindStock(cache, m); !errors.Is(err, ErrNoStock) {
		t.Errorf("before there is one: %v", err)
	}
	made, err := stockOf(t, cache, m)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := FindStock(cache, m); err != nil || found != made || found.Bytes == 0 {
		t.Errorf("got %+v, %v; want %+v", found, err, made)
	}
	want := []string{
		"own/meta.db", "root/opt/bin/kubelet", "root/var/lib/kbm/images/pause.tar", "root/var/lib/kbm/stat-cache",
		"shared/" + blob, "shared/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/pause", "stock.json",
	}
	if got := filesOf(t, made.Path); !slices.Equal(got, want) {
		t.Errorf("it holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, other := range []bundle.Manifest{aBundle("kubelet"), aBundle("kubelet", "another")} {
		if s, err := FindStock(cache, other); !errors.Is(err, ErrNoStock) {
			t.Errorf("another bundle finds %+v, %v", s, err)
		}
	}
}

// What fails leaves the stock that is there as it is, and nothing half-made.
func TestStockIsWholeOrNotThere(t *testing.T) {
	cache, m := t.TempDir(), aBundle("of another release")
	if _, err := stockOf(t, cache, m); err == nil || !strings.Contains(err.Error(), "nothing of this bundle") {
		t.Errorf("a machine with another bundle: %v", err)
	}
	if left := filesOf(t, cache); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	if _, err := stockOf(t, cache, aBundle("pause")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	s := Stock{Path: stockPath(cache, aBundle("pause"))}
	if _, err := s.replace(func(half Stock) (Stock, error) { return half, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := FindStock(cache, aBundle("pause")); err != nil {
		t.Errorf("the one before: %v", err)
	}
}

// A disk has links to what never changes, and files of its own for the rest. As
// long as it is there its stock stays, and without its stock it is of no use.
func TestDiskBeginsWithStock(t *testing.T) {
	cache, m := t.TempDir(), aBundle("kubelet", "pause")
	s, err := stockOf(t, cache, m)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	l := Lab{ID: "x", StateDir: filepath.Join(state, "x")}
	d := disk{dir: l.machineDir("m1"), base: "/base", root: l.rootDir("m1"), stock: &s}
	if fresh, err := d.prepare(); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	if err := d.beginWithStock(t.Context()); err != nil {
		t.Fatal(err)
	}
	for file, linked := range map[string]bool{blob: true, "meta.db": false} {
		from := filepath.Join(s.own(), file)
		if linked {
			from = filepath.Join(s.shared(), file)
		}
		if got := inode(t, from) == inode(t, filepath.Join(d.plain(containerdDir), file)); got != linked {
			t.Errorf("%s is the same file: %t, want %t", file, got, linked)
		}
	}
	elsewhere, err := os.MkdirTemp("/dev/shm", "kbm-stock-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(elsewhere) })
	far := disk{dir: elsewhere, stock: &s}
	if err := os.MkdirAll(far.plain(containerdDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := far.beginWithStock(t.Context()); err != nil {
		t.Errorf("on another file system: %v", err)
	}
	if got, want := filesOf(t, far.plain(containerdDir)), filesOf(t, d.plain(containerdDir)); !slices.Equal(got, want) {
		t.Errorf("on another file system it has %v, want %v", got, want)
	}
	again := disk{dir: d.dir, base: "/base"}
	if lower, err := again.lower(); err != nil || lower != s.root()+":/base" {
		t.Errorf("switched on again, it lies on %s, %v", lower, err)
	}
	if err := s.unused(state); err == nil || !strings.Contains(err.Error(), "m1 of lab x") {
		t.Errorf("to replace the stock: %v", err)
	}
	if err := os.RemoveAll(s.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := again.lower(); err == nil || !strings.Contains(err.Error(), s.Path+", which is gone") {
		t.Errorf("without the stock: %v", err)
	}
	if err := os.RemoveAll(d.dir); err != nil {
		t.Fatal(err)
	}
	if err := s.unused(state); err != nil {
		t.Errorf("without the machine: %v", err)
	}
}
