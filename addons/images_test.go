//go:build lab

package addons

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kbm-dev/kbm/bundle"
)

// unpacked is an image of the bundle laid out in kbm's cache, where the next
// test finds it: nobody may write to its root.
type unpacked struct {
	root       string // its file system
	entrypoint []string
}

// image is one of the bundle's, unpacked by the first test that asks for it.
func (c *control) image(t *testing.T, name string) unpacked {
	t.Helper()
	a, found := c.bundle.Find(name)
	if !found {
		t.Fatalf("the bundle in %s has no image %s: run kbm bundle build", c.bundle.Dir(), name)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "kbm", "test", "images", name, a.SHA256[:12])
	if _, err := os.Stat(dir); err != nil {
		c.unpack(t, a, dir)
		forgetOthers(t, dir)
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var config v1.ConfigFile
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	return unpacked{filepath.Join(dir, "root"), config.Config.Entrypoint}
}

// unpack makes dir, or finds that another test was quicker.
func (c *control) unpack(t *testing.T, a bundle.Artefact, dir string) {
	t.Helper()
	image := openImage(t, c.bundle.File(a))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	partial, err := os.MkdirTemp(filepath.Dir(dir), ".partial-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(partial) }()
	root := filepath.Join(partial, "root")
	text, err := image.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	// Programs that are not root's read it, too.
	if err := os.Chmod(partial, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(partial, "config.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	files := mutate.Extract(image)
	defer func() { _ = files.Close() }()
	untar := exec.Command("tar", "-C", root, "-x")
	untar.Stdin = files
	if out, err := untar.CombinedOutput(); err != nil {
		t.Fatalf("unpack image %s: %v: %s", a.Name, err, out)
	}
	if err := os.Rename(partial, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			t.Fatal(err)
		}
	}
}

// forgetOthers removes the image as earlier bundles had it, and what killed
// tests have left; another test may be about to put the same in place.
func forgetOthers(t *testing.T, dir string) {
	t.Helper()
	versions, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		info, err := v.Info()
		if err != nil || v.Name() == filepath.Base(dir) || time.Since(info.ModTime()) < time.Hour {
			continue
		}
		if err := os.RemoveAll(filepath.Join(filepath.Dir(dir), v.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// openImage reads the only image of an archive in the OCI layout.
func openImage(t *testing.T, file string) v1.Image {
	t.Helper()
	archive := t.TempDir()
	tool(t, "tar", "-C", archive, "-xf", file)
	path, err := layout.FromPath(archive)
	if err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := path.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image
}
