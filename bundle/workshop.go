package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// workshop is the folder build in the bundle's folder, where artefacts are made
// before they are put in place, and what all of them have in common.
type workshop struct {
	*shelf
	arch         string
	toolchain    string
	distribution string
	parallel     int
	log          io.Writer
}

func openWorkshop(ctx context.Context, o BuildOptions, r release, rows []component) (*workshop, error) {
	s, err := openShelf(o.Dir, r, o.Arch)
	if err != nil {
		return nil, err
	}
	if err := checkRequired(ctx, rows); err != nil {
		return nil, err
	}
	w := &workshop{shelf: s, arch: o.Arch, parallel: o.Parallel, log: io.Discard}
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

// place puts the file into the bundle, and remembers what it was made from.
func (w *workshop) place(ctx context.Context, row component, input, file string) error {
	w.inputs[row.Name] = input
	return w.put(ctx, row.artefact(), file)
}
