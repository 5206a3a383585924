package bundle

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample writes a bundle of two files, and returns it.
func sample(t *testing.T) *Bundle {
	t.Helper()
	dir := t.TempDir()
	r, err := releaseOf(DefaultKubernetes)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openShelf(dir, r, "amd64")
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{shelf: s, arch: "amd64"}
	for _, name := range []string{"loopback", "kubelet"} {
		file := filepath.Join(t.TempDir(), "made")
		if err := os.WriteFile(file, []byte("the program "+name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.place(context.Background(), rowNamed(t, name), "input of "+name, file); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rowNamed(t *testing.T, name string) component {
	t.Helper()
	r, err := releaseOf(DefaultKubernetes)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := selectRows(components(r), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	return rows[0]
}

func TestOpenReadsWhatWasPlaced(t *testing.T) {
	b := sample(t)
	if got := b.Manifest().Artefacts[0].Name; got != "kubelet" {
		t.Errorf("first artefact is %s: the order is the table's, not that of building", got)
	}
	a, ok := b.Find("loopback")
	if !ok || a.Path != "cni/loopback" || a.Kind != Binary || a.Group != Node {
		t.Errorf("found %+v", a)
	}
	info, err := os.Stat(b.File(a))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the file is %v, %v: it must be executable", info, err)
	}
	if err := b.Verify(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestOpenNamesTheCure(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	if err == nil || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "kbm bundle build") {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefusesABadManifest(t *testing.T) {
	sum := strings.Repeat("a", 64)
	for name, manifest := range map[string]string{
		"leads out of the bundle": `{"artefacts":[{"name":"a","kind":"binary","path":"../etc/passwd","sha256":"` + sum + `"}]}`,
		"there twice":             `{"artefacts":[{"name":"a","kind":"tool","path":"a","sha256":"` + sum + `"},{"name":"a","kind":"tool","path":"b","sha256":"` + sum + `"}]}`,
		"not a sha256":            `{"artefacts":[{"name":"a","kind":"tool","path":"a","sha256":"A"}]}`,
		"do not fit":              `{"artefacts":[{"name":"a","kind":"image","path":"a","sha256":"` + sum + `"}]}`,
		"unknown field":           `{"artifacts":[]}`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, manifestFile), []byte(manifest), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Who turns an addon on must be told which images are missing, and what makes
// them: not those of other addons.
func TestRequireNamesTheCure(t *testing.T) {
	b := sample(t)
	old := rowNamed(t, "metallb-speaker").artefact()
	old.Version = "v0.15.2"
	b.manifest.Artefacts = append(b.manifest.Artefacts, rowNamed(t, "traefik").artefact(), rowNamed(t, "metallb-controller").artefact(), old)
	if err := b.Require("ingress", "extra"); err != nil {
		t.Errorf("all is there: %v", err)
	}
	err := b.Require("ingress", "load-balancer", "auth", "agnhost")
	want := "lacks agnhost v2.66.1, metallb-speaker v0.16.1, oauth2-proxy v7.15.3: run `kbm bundle build agnhost load-balancer auth`"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("KBM_CACHE", "/var/cache/kbm")
	dir, err := DefaultDir("v1.37.1", "amd64")
	if err != nil || dir != "/var/cache/kbm/bundle/v1.37.1-linux-amd64" {
		t.Errorf("got %s, %v", dir, err)
	}
	t.Setenv("KBM_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "/home/ann/.cache")
	dir, err = DefaultDir("v1.37.1", "arm64")
	if err != nil || dir != "/home/ann/.cache/kbm/bundle/v1.37.1-linux-arm64" {
		t.Errorf("got %s, %v", dir, err)
	}
}
