package hosts

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kbm-dev/kbm/bundle"
)

// unpack takes the program out of the bundle's image of the same name.
func unpack(b *bundle.Bundle, name, dir string) (file string, err error) {
	a, ok := b.Find(name)
	if !ok {
		return "", fmt.Errorf("the bundle in %s has no %s", b.Dir(), name)
	}
	archive := filepath.Join(dir, name+"-image")
	if err := os.MkdirAll(archive, 0o700); err != nil {
		return "", err
	}
	if out, err := exec.Command("tar", "-C", archive, "-xf", b.File(a)).CombinedOutput(); err != nil {
		return "", fmt.Errorf("unpack %s: %w: %s", b.File(a), err, out)
	}
	index, err := layout.ImageIndexFromPath(archive)
	if err != nil {
		return "", err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", err
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return "", err
	}
	files := mutate.Extract(image)
	defer func() { err = errors.Join(err, files.Close()) }()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if err != nil {
			return "", fmt.Errorf("find %s in its image: %w", name, err)
		}
		if header.Typeflag != tar.TypeReg || path.Base(header.Name) != name {
			continue
		}
		file = filepath.Join(dir, name)
		out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(out, r)
		return file, errors.Join(err, out.Close())
	}
}
