package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/google/go-containerregistry/pkg/compression"
)

// packImage writes an OCI archive to file: the layer under the program, if any,
// the program, and the configuration. Layers are compressed with zstd, which
// costs a node less to unpack than it saves in sending. Its bytes depend on
// the arguments alone. Temporary files go into dir.
func packImage(dir, file, arch, program, base string, row imageRow) error {
	img, err := newImage(dir, arch, program, base, row)
	if err != nil {
		return fmt.Errorf("pack image %s: %w", row.Ref, err)
	}
	tree := filepath.Join(dir, "layout")
	if err := writeLayout(tree, img, append([]string{row.Ref}, row.Also...)); err != nil {
		return fmt.Errorf("pack image %s: %w", row.Ref, err)
	}
	if err := tarTree(file, tree); err != nil {
		return fmt.Errorf("pack image %s: %w", row.Ref, err)
	}
	return nil
}

func newImage(dir, arch, program, base string, row imageRow) (v1.Image, error) {
	entries := []entry{{Name: strings.TrimPrefix(row.Program, "/"), Mode: 0o755, File: program}}
	for _, link := range row.Links {
		entries = append(entries, entry{Name: strings.TrimPrefix(link, "/"), Link: row.Program})
	}
	top := filepath.Join(dir, "program.tar")
	if err := tarFile(top, entries); err != nil {
		return nil, err
	}
	files := []string{top}
	if base != "" {
		files = []string{base, top}
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, f := range files {
		layer, err := tarball.LayerFromFile(f, tarball.WithCompression(compression.ZStd),
			tarball.WithMediaType(types.OCILayerZStd), tarball.WithCompressedCaching)
		if err != nil {
			return nil, err
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			return nil, err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{
		Entrypoint: []string{row.Program}, Cmd: row.Cmd, User: row.User, WorkingDir: "/",
		Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	}
	return mutate.ConfigFile(img, config)
}

// writeLayout writes an OCI image layout that names the image by each of refs,
// in the annotation that containerd reads.
func writeLayout(dir string, img v1.Image, refs []string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	tree, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		_, tag, _ := strings.Cut(path.Base(ref), ":")
		names := map[string]string{"io.containerd.image.name": ref, "org.opencontainers.image.ref.name": tag}
		if err := tree.AppendImage(img, layout.WithAnnotations(names)); err != nil {
			return err
		}
	}
	return nil
}

func tarTree(file, tree string) error {
	var entries []entry
	err := filepath.WalkDir(tree, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		in, err := filepath.Rel(tree, name)
		entries = append(entries, entry{Name: filepath.ToSlash(in), Mode: 0o644, File: name})
		return err
	})
	return errors.Join(err, tarFile(file, entries))
}

func tarFile(file string, entries []entry) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return writeTar(f, entries)
}
