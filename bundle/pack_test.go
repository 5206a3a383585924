package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

func TestPackIsReproducibleAndComesOutWhole(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.publish(t, "arm64", "registry.k8s.io/pause:3.10.1")
	o := w.options(t.TempDir(), "kubelet", "bridge", "pause")
	o.Arch = "arm64"
	b, err := Pull(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	first, second := filepath.Join(folder, "first.tar.zst"), filepath.Join(folder, "second.tar.zst")
	if err := b.Pack(ctx, first, nil); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KBM_CACHE", t.TempDir())
	copied, err := Unpack(ctx, first, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := DefaultDir(DefaultKubernetes, "arm64"); copied.Dir() != want {
		t.Errorf("it is in %s, not in %s", copied.Dir(), want)
	}
	if err := copied.Verify(ctx); err != nil {
		t.Error(err)
	}
	if n, err := copied.VerifyPins(); n != 3 || err != nil {
		t.Errorf("the lock did not come along: %d, %v", n, err)
	}
	bridge, _ := copied.Find("bridge")
	if info, err := os.Stat(copied.File(bridge)); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v: it must be executable", info, err)
	}
	if err := os.Chtimes(copied.File(bridge), time.Now(), time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	if err := copied.Pack(ctx, second, nil); err != nil {
		t.Fatal(err)
	}
	one, _ := os.ReadFile(first)
	two, _ := os.ReadFile(second)
	if len(one) == 0 || !bytes.Equal(one, two) {
		t.Error("what came out packs to other bytes")
	}
	if left, _ := filepath.Glob(filepath.Join(copied.Dir(), "build", "unpack-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPackRefusesAFalseArtefact(t *testing.T) {
	ctx := context.Background()
	b := sample(t)
	file := filepath.Join(t.TempDir(), "b.tar.zst")
	if err := b.Pack(ctx, file, nil); err != nil {
		t.Fatal(err)
	}
	good, _ := os.ReadFile(file)
	kubelet, _ := b.Find("kubelet")
	overwrite(t, b.File(kubelet), "THE PROGRAM kubelet")
	if err := b.Pack(ctx, file, nil); err == nil || !strings.Contains(err.Error(), "bin/kubelet has sha256 ") {
		t.Errorf("got %v", err)
	}
	if now, _ := os.ReadFile(file); !bytes.Equal(now, good) {
		t.Error("the good file was spoilt")
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := b.Pack(ctx, filepath.Join(t.TempDir(), "kubelet"), nil); err == nil || !strings.Contains(err.Error(), "end in .tar.zst") {
		t.Errorf("got %v", err)
	}
	_, err := Open(file)
	if err == nil || !strings.Contains(err.Error(), "kbm bundle unpack "+file) {
		t.Errorf("got %v", err)
	}
}

// What the folder has besides stays; what it has of the same names gives way.
func TestUnpackJoinsWhatIsThere(t *testing.T) {
	ctx := context.Background()
	b := sample(t)
	file := filepath.Join(t.TempDir(), "b.tar.zst")
	kubelet, _ := b.Find("kubelet")
	part := &Bundle{dir: b.dir, manifest: b.manifest}
	part.manifest.Artefacts = []Artefact{kubelet}
	if err := part.Pack(ctx, file, nil); err != nil {
		t.Fatal(err)
	}
	overwrite(t, b.File(kubelet), "broken")
	again, err := Unpack(ctx, file, b.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Verify(ctx); err != nil || len(again.manifest.Artefacts) != 2 {
		t.Errorf("%v, %v", again.manifest.Artefacts, err)
	}
	other := part.manifest
	other.Kubernetes = "v1.36.4"
	if err := (&Bundle{dir: b.dir, manifest: other}).Pack(ctx, file, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Unpack(ctx, file, b.dir, nil); err == nil || !strings.Contains(err.Error(), "use another folder") {
		t.Errorf("got %v", err)
	}
}

// A file that came from anywhere must not reach beyond the bundle's folder, nor
// leave a half in it.
func TestUnpackRefuses(t *testing.T) {
	good := sample(t)
	manifest := func(change func(*Artefact)) string {
		m := good.manifest
		kubelet, _ := good.Find("kubelet")
		change(&kubelet)
		m.Artefacts = []Artefact{kubelet}
		data, err := encode(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	whole := manifest(func(*Artefact) {})
	const program = "the program kubelet"
	for want, members := range map[string][][2]string{
		"leads out of the bundle":                              {{manifestFile, manifest(func(a *Artefact) { a.Path = "../kubelet" })}, {"../kubelet", program}},
		`the path "manifest.json" is not one of`:               {{manifestFile, manifest(func(a *Artefact) { a.Path = manifestFile })}},
		`the path "build/kubelet" is not one of`:               {{manifestFile, manifest(func(a *Artefact) { a.Path = "build/kubelet" })}},
		`"../../etc/passwd" is in it, and not in its`:          {{manifestFile, whole}, {"bin/kubelet", program}, {"../../etc/passwd", "root"}},
		`"bin/kubelet" is in it, and not in its`:               {{manifestFile, whole}, {"bin/kubelet", program}, {"bin/kubelet", program}},
		"bin/kubelet has sha256 ":                              {{manifestFile, whole}, {"bin/kubelet", "THE PROGRAM kubelet"}},
		"bin/kubelet is in its manifest.json, and not in it":   {{manifestFile, whole}},
		"it does not begin with a manifest.json":               {{"bin/kubelet", program}},
		"bundle.lock is of kubernetes v1.0.0":                  {{manifestFile, whole}, {pinsFile, `{"kubernetes":"v1.0.0"}`}, {"bin/kubelet", program}},
		"was pulled from x, and bundle.lock does not have it":  {{manifestFile, manifest(func(a *Artefact) { a.Source = "x" })}, {"bin/kubelet", program}},
		`"bin/kubelet" is in it, and not in its manifest.json`: {{manifestFile, whole}, {"bin/kubelet", "@/etc/passwd"}},
	} {
		t.Run(want, func(t *testing.T) {
			dir := t.TempDir()
			_, err := Unpack(context.Background(), packed(t, members), dir, nil)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
			leavesNothing(t, dir)
			if left, _ := filepath.Glob(filepath.Join(dir, "*", "unpack-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	file := packed(t, [][2]string{{manifestFile, whole}, {"bin/kubelet", program}})
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 10, len(data) / 2, len(data) - 1} {
		overwrite(t, file, string(data[:cut]))
		dir := t.TempDir()
		if _, err := Unpack(context.Background(), file, dir, nil); err == nil {
			t.Errorf("%d of %d bytes were taken for all", cut, len(data))
		}
		leavesNothing(t, dir)
	}
}

// packed writes an archive of any members. A content of @target is a link.
func packed(t *testing.T, members [][2]string) string {
	t.Helper()
	var data bytes.Buffer
	z, err := zstd.NewWriter(&data)
	if err != nil {
		t.Fatal(err)
	}
	out := tar.NewWriter(z)
	for _, m := range members {
		h := &tar.Header{Name: m[0], Mode: 0o644, Size: int64(len(m[1])), Typeflag: tar.TypeReg}
		if target, ok := strings.CutPrefix(m[1], "@"); ok {
			h.Typeflag, h.Linkname, h.Size, m[1] = tar.TypeSymlink, target, 0, ""
		}
		if err := out.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{out, z} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "b.tar.zst")
	overwrite(t, file, data.String())
	return file
}
