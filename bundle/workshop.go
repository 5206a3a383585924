package bundle

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// workshop is the folder build in the bundle's folder, where artefacts are made
// before they are put in place, and what all of them have in common.
type workshop struct {
	*shelf
	arch         string
	toolchain    string
	distribution string
	parallel     int
}

func openWorkshop(ctx context.Context, o BuildOptions, r release, rows []component) (*workshop, error) {
	s, err := openShelf(o.Dir, r, o.Arch)
	if err != nil {
		return nil, err
	}
	if err := checkRequired(ctx, rows); err != nil {
		return nil, err
	}
	w := &workshop{shelf: s, arch: o.Arch, parallel: o.Parallel}
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

// makeAll makes what is not in place, one batch after the other. While one is
// packed, the next one is compiled.
func (w *workshop) makeAll(ctx context.Context, rows []component, o BuildOptions) (err error) {
	steps, err := w.missing(ctx, rows, o)
	if err != nil {
		return err
	}
	tmp := filepath.Join(w.dir, "tmp")
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o755)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	finishing, ctx := errgroup.WithContext(ctx) // a fault of one ends the other's work
	finishing.SetLimit(1)
	for _, b := range batches(steps) {
		finish, err := w.makeBatch(ctx, b, tmp, o)
		if err != nil {
			// A batch that could not be finished ends the next one's compiler,
			// and is the reason to tell.
			if earlier := finishing.Wait(); earlier != nil {
				return earlier
			}
			return err
		}
		finishing.Go(finish)
	}
	return finishing.Wait()
}

// missing tells which of the rows have to be made.
func (w *workshop) missing(ctx context.Context, rows []component, o BuildOptions) (steps []step, err error) {
	for i, row := range rows {
		s := step{component: row, event: Event{Artefact: row.Name, Index: i + 1, Total: len(rows)}}
		if s.input, err = w.inputOf(row); err != nil {
			return nil, err
		}
		if w.inPlace(ctx, row, s.input) {
			s.event.State = InPlace
			o.Progress(s.event)
			continue
		}
		steps = append(steps, s)
	}
	return steps, ctx.Err()
}

func (w *workshop) inPlace(ctx context.Context, row component, input string) bool {
	a, ok := w.bundle.Find(row.Name)
	return ok && a.Group == row.Group && w.inputs[row.Name] == input && w.bundle.Check(ctx, row.Name) == nil
}

// place puts the file into the bundle, and remembers what it was made from.
func (w *workshop) place(ctx context.Context, row component, input, file string) error {
	w.inputs[row.Name] = input
	return w.put(ctx, row.artefact(), file)
}
