package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// shelf is a bundle that artefacts are put into, and what is written down of
// them: where they come from, and what they were made from.
type shelf struct {
	dir     string // the folder build in the bundle's folder
	bundle  *Bundle
	release release
	inputs  inputs
	pins    pins
}

// openShelf opens the bundle in dir, or begins one.
func openShelf(dir string, r release, arch string) (*shelf, error) {
	b, err := Open(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		b = &Bundle{dir: dir, manifest: Manifest{Kubernetes: r.version, OS: "linux", Arch: arch}}
	case err != nil:
		return nil, err
	case b.manifest.Kubernetes != r.version || b.manifest.Arch != arch:
		return nil, fmt.Errorf("the folder holds kubernetes %s for %s, not %s for %s: use another folder",
			b.manifest.Kubernetes, b.manifest.Arch, r.version, arch)
	}
	s := &shelf{dir: filepath.Join(dir, "build"), bundle: b, release: r}
	s.inputs = readInputs(s.dir)
	s.pins, err = readPins(dir, b.manifest)
	return s, err
}

// put moves the file into the bundle as the artefact. The manifest follows at
// once: a crash in between leaves an artefact that does not verify, and is made
// again.
func (s *shelf) put(ctx context.Context, a Artefact, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if a.SHA256, err = hashFile(ctx, file); err != nil {
		return err
	}
	a.Size = info.Size()
	to := s.bundle.File(a)
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Chmod(file, a.mode()), os.Rename(file, to)); err != nil {
		return err
	}
	s.bundle.manifest.Artefacts = inOrder(s.release, append(slices.DeleteFunc(s.bundle.manifest.Artefacts,
		func(old Artefact) bool { return old.Name == a.Name }), a))
	return s.writeDown()
}

// mode is that of the artefact's file.
func (a Artefact) mode() fs.FileMode {
	if a.Kind == Image {
		return 0o644
	}
	return 0o755
}

func (s *shelf) writeDown() error {
	manifest, err := encode(s.bundle.manifest)
	if err != nil {
		return err
	}
	in, err := encode(s.inputs)
	if err != nil {
		return err
	}
	lock, err := s.pins.encode(s.bundle.manifest)
	if err != nil {
		return err
	}
	var files atomicfile.Batch
	if len(s.pins) > 0 {
		files.Add(filepath.Join(s.bundle.dir, pinsFile), lock, 0o644)
	}
	files.Add(filepath.Join(s.bundle.dir, manifestFile), manifest, 0o644)
	files.Add(filepath.Join(s.dir, inputsFile), in, 0o644)
	return files.Commit()
}
