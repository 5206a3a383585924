package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// workshop is the folder build in the bundle's folder, where artefacts are made
// before they are put in place, and what all of them have in common.
type workshop struct {
	dir          string // the workshop
	arch         string
	toolchain    string
	distribution string
	parallel     int
	log          io.Writer

	bundle  *Bundle
	inputs  inputs
	release release
}

func openWorkshop(ctx context.Context, o BuildOptions, r release, rows []component) (*workshop, error) {
	b, err := Open(o.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		b = &Bundle{dir: o.Dir, manifest: Manifest{Kubernetes: r.version, OS: "linux", Arch: o.Arch}}
	case err != nil:
		return nil, err
	case b.manifest.Kubernetes != r.version || b.manifest.Arch != o.Arch:
		return nil, fmt.Errorf("the folder holds kubernetes %s for %s, not %s for %s: use another folder",
			b.manifest.Kubernetes, b.manifest.Arch, r.version, o.Arch)
	}
	if err := checkRequired(ctx, rows); err != nil {
		return nil, err
	}
	w := &workshop{
		dir: filepath.Join(o.Dir, "build"), arch: o.Arch, parallel: o.Parallel, log: io.Discard,
		bundle: b, release: r,
	}
	w.inputs = readInputs(w.dir)
	if w.toolchain, err = goVersion(ctx); err != nil {
		return nil, err
	}
	osRelease, err := os.ReadFile("/etc/os-release")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	w.distribution = distribution(string(osRelease))
	return w, nil
}

func (w *workshop) makeAll(ctx context.Context, rows []component, o BuildOptions) error {
	for i, row := range rows {
		event := Event{Artefact: row.Name, Index: i + 1, Total: len(rows), Log: filepath.Join(w.dir, "logs", row.Name+".log")}
		input, err := w.inputOf(row)
		if err != nil {
			return err
		}
		if w.inPlace(ctx, row, input) {
			event.State = InPlace
			o.Progress(event)
			continue
		}
		event.State = Started
		o.Progress(event)
		start := o.Now()
		if err := w.make(ctx, row, input, event.Log); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%s %s: %w\nmore is in %s", row.Name, row.Version, err, event.Log)
		}
		event.State, event.Elapsed = Built, o.Now().Sub(start).Round(time.Second/10)
		o.Progress(event)
	}
	return ctx.Err()
}

func (w *workshop) inPlace(ctx context.Context, row component, input string) bool {
	a, ok := w.bundle.Find(row.Name)
	return ok && a.Group == row.Group && w.inputs[row.Name] == input && w.bundle.Check(ctx, row.Name) == nil
}

// make builds one artefact aside, puts it in place and writes it down.
func (w *workshop) make(ctx context.Context, row component, input, logFile string) (err error) {
	if err := os.MkdirAll(filepath.Dir(logFile), 0o755); err != nil {
		return err
	}
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	w.log = log
	defer func() { err = errors.Join(err, log.Close()) }()

	// A new name each time: a compiler that outlived a killed kbm may still
	// write to the old one.
	tmp := filepath.Join(w.dir, "tmp")
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o755)); err != nil {
		return err
	}
	aside, err := os.MkdirTemp(tmp, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	file, err := w.assemble(ctx, row, aside)
	if err != nil {
		return err
	}
	return w.place(ctx, row, input, file)
}

// assemble returns the finished file: the program, or the image around it.
func (w *workshop) assemble(ctx context.Context, row component, aside string) (string, error) {
	program := filepath.Join(aside, "program")
	if err := w.compile(ctx, row, program); err != nil {
		return "", err
	}
	if row.Kind != Image {
		return program, nil
	}
	base, err := w.layer(ctx, row.Image.Layer, aside)
	if err != nil {
		return "", err
	}
	image := filepath.Join(aside, "image.tar")
	return image, packImage(aside, image, w.arch, program, base, row.Image)
}

// place moves the file into the bundle. The manifest follows at once: a crash
// in between leaves an artefact that does not verify, and is made again.
func (w *workshop) place(ctx context.Context, row component, input, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	hash, err := hashFile(ctx, file)
	if err != nil {
		return err
	}
	a := row.artefact()
	a.SHA256, a.Size = hash, info.Size()
	mode := fs.FileMode(0o755)
	if a.Kind == Image {
		mode = 0o644
	}
	to := w.bundle.File(a)
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Chmod(file, mode), os.Rename(file, to)); err != nil {
		return err
	}
	w.bundle.manifest.Artefacts = inOrder(w.release, append(slices.DeleteFunc(w.bundle.manifest.Artefacts,
		func(old Artefact) bool { return old.Name == a.Name }), a))
	w.inputs[row.Name] = input
	return w.writeDown()
}

func (w *workshop) writeDown() error {
	manifest, err := encode(w.bundle.manifest)
	if err != nil {
		return err
	}
	in, err := encode(w.inputs)
	if err != nil {
		return err
	}
	var files atomicfile.Batch
	files.Add(filepath.Join(w.bundle.dir, manifestFile), manifest, 0o644)
	files.Add(filepath.Join(w.dir, inputsFile), in, 0o644)
	return files.Commit()
}
