package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

func TestImagesAreReproducibleAndComplete(t *testing.T) {
	row := imageRow{
		Ref: "registry.example.com/a/hello:v1", Also: []string{"registry.example.com/a/hello:latest"},
		Program: "/opt/bin/hello", Links: []string{"/hello"}, Cmd: []string{"world"}, User: nonRoot,
	}
	first, second := pack(t, row), pack(t, row)
	if !bytes.Equal(first, second) {
		t.Error("two images of the same parts differ")
	}

	tree := t.TempDir()
	if err := os.CopyFS(tree, untar(t, bytes.NewReader(first))); err != nil {
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
	for i, ref := range []string{row.Ref, row.Also[0]} {
		if got := manifest.Manifests[i].Annotations["io.containerd.image.name"]; got != ref {
			t.Errorf("reference %d is %q, not %q", i, got, ref)
		}
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	if config.Architecture != "arm64" || !slices.Equal(c.Entrypoint, []string{row.Program}) || !slices.Equal(c.Cmd, row.Cmd) || c.User != nonRoot {
		t.Errorf("the configuration is %+v", config)
	}
	names := map[string]*tar.Header{}
	in := tar.NewReader(mutate.Extract(img))
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names[filepath.Clean(h.Name)] = h
	}
	program, link, tmp := names["opt/bin/hello"], names["hello"], names["tmp"]
	if program == nil || program.Mode != 0o755 || link == nil || link.Linkname != row.Program || tmp == nil || tmp.Mode != 0o1777 {
		t.Errorf("the files are %v", names)
	}
}

func pack(t *testing.T, row imageRow) []byte {
	t.Helper()
	dir := t.TempDir()
	program, base, file := filepath.Join(dir, "program"), filepath.Join(dir, "base.tar"), filepath.Join(dir, "image.tar")
	if err := os.WriteFile(program, []byte("#!/bin/true\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := tarFile(base, baseEntries()); err != nil {
		t.Fatal(err)
	}
	if err := packImage(dir, file, "arm64", program, base, row); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPackagesAreMovedIntoUsr(t *testing.T) {
	var pkg bytes.Buffer
	out := tar.NewWriter(&pkg)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir},
		{Name: "./bin/busybox", Typeflag: tar.TypeReg, Mode: 0o4755},
		{Name: "./lib64/ld.so", Typeflag: tar.TypeSymlink, Linkname: "/lib/ld.so"},
		{Name: "./sbin/again", Typeflag: tar.TypeLink, Linkname: "./bin/busybox"},
		{Name: "./usr/share/doc/busybox/copyright", Typeflag: tar.TypeReg},
	} {
		if err := out.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string]entry{}
	if err := errors.Join(out.Close(), readPackage(tar.NewReader(&pkg), files)); err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 || files["usr/bin/busybox"].Mode != 0o4755 || files["usr/lib64/ld.so"].Link != "/lib/ld.so" || files["usr/sbin/again"].Hard != "usr/bin/busybox" {
		t.Errorf("got %+v", files)
	}
	var layer bytes.Buffer
	if err := writeTar(&layer, []entry{{Name: "a", Hard: "b/c"}, {Name: "b/c"}}); err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for in := tar.NewReader(&layer); ; {
		h, err := in.Next()
		if err != nil {
			break
		}
		names = append(names, h.Name)
	}
	if !slices.Equal(names, []string{"b/", "b/c", "a"}) {
		t.Errorf("the order is %v: a hard link must follow what it names", names)
	}
}

// untar reads an archive into memory.
func untar(t *testing.T, r io.Reader) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			files[h.Name] = &fstest.MapFile{Data: data, Mode: 0o644}
		}
	}
}
