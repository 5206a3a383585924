package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Unpack takes the bundle out of a file that Pack wrote, into dir or else
// DefaultDir of what it holds. Nothing is put in place before all of it has
// come out, and is what its manifest says. What else the folder holds of the
// same version and architecture stays in it. tell, where not nil, is told of
// the bytes read so far and of all.
func Unpack(ctx context.Context, file, dir string, tell func(done, total int64)) (*Bundle, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("unpack bundle: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("unpack bundle %s: %w", file, err)
	}
	p, err := openPack(&told{r: contextReader{ctx, f}, total: info.Size(), tell: tell})
	if err != nil {
		return nil, fmt.Errorf("unpack bundle %s: %w", file, err)
	}
	defer p.packed.Close()
	if dir == "" {
		dir, err = DefaultDir(p.manifest.Kubernetes, p.manifest.Arch)
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err == nil {
		err = p.unpack(ctx, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack bundle %s: %w", file, err)
	}
	return Open(dir)
}

func (p *packedBundle) unpack(ctx context.Context, dir string) (err error) {
	build := filepath.Join(dir, "build")
	if err := os.MkdirAll(build, 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, build, func() {})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	s, err := openShelf(dir, release{version: p.manifest.Kubernetes}, p.manifest.Arch)
	if err != nil {
		return err
	}
	aside, err := os.MkdirTemp(build, "unpack-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	if err := p.takeOut(ctx, aside); err != nil {
		return err
	}
	if err := p.checkPins(s); err != nil {
		return err
	}
	return p.place(s)
}

// checkPins compares the two locks, and the archive with its own.
func (p *packedBundle) checkPins(s *shelf) error {
	var faults []error
	for name, pin := range p.pins {
		faults = append(faults, s.pins.agree(name, pin))
	}
	for _, a := range p.manifest.Artefacts {
		if err := p.pins.holds(a); err != nil {
			faults = append(faults, fmt.Errorf("%s %w", a.Path, err))
		}
	}
	return errors.Join(faults...)
}

// place moves the files into the bundle and writes them down.
func (p *packedBundle) place(s *shelf) error {
	kept := slices.DeleteFunc(slices.Clone(s.bundle.manifest.Artefacts), func(old Artefact) bool { return p.files[old.Name] != "" })
	for _, a := range p.manifest.Artefacts {
		to := s.bundle.File(a)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(p.files[a.Name], to); err != nil {
			return err
		}
		// What it was made from is not known on this computer.
		delete(s.inputs, a.Name)
	}
	for name, pin := range p.pins {
		s.pins[name] = pin
	}
	s.bundle.manifest.Artefacts = append(slices.Clone(p.manifest.Artefacts), kept...)
	return s.writeDown()
}
