package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// batch is what one call of a compiler makes: the programs of one module that
// are built alike. Go compiles what they share once, and links one of them
// while it compiles for the others.
type batch struct {
	name  string // of its log
	steps []step
}

// step is a component that has to be made, and how far it is.
type step struct {
	component
	input string // digest of what it is made from
	event Event
}

// batches puts the steps together, in the order in which their first ones come.
func batches(steps []step) []batch {
	type key struct {
		module, tags, c string
		cgo             bool
	}
	places := map[key]int{}
	var all []batch
	for _, s := range steps {
		k := key{module: s.Go.Module, tags: s.Go.Tags, c: s.C, cgo: s.Go.Cgo}
		i, ok := places[k]
		if !ok {
			i = len(all)
			places[k] = i
			all = append(all, batch{name: s.Name})
		}
		all[i].steps = append(all[i].steps, s)
	}
	return all
}

func (b batch) String() string {
	names := make([]string, len(b.steps))
	for i, s := range b.steps {
		names[i] = s.Name
	}
	return strings.Join(names, ", ") + " " + b.steps[0].Version
}

// makeBatch compiles the batch's programs and returns what is left to do: to
// pack them and to put them in place, which hardly more than one core can help
// with, so that the next batch may be compiled beside it.
func (w *workshop) makeBatch(ctx context.Context, b batch, tmp string, o BuildOptions) (finish func() error, err error) {
	start := o.Now()
	log, err := w.openLog(b)
	if err != nil {
		return nil, err
	}
	fail := func(what string, err error) error {
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), log.Close())
		}
		return errors.Join(fmt.Errorf("%s: %w\nmore is in %s", what, err, log.Name()), log.Close())
	}
	for i := range b.steps {
		b.steps[i].event.Log, b.steps[i].event.State = log.Name(), Started
		o.Progress(b.steps[i].event)
	}
	// A new name each time: a compiler that outlived a killed kbm may still
	// write to the old one.
	aside, err := os.MkdirTemp(tmp, "")
	if err != nil {
		return nil, fail(b.String(), err)
	}
	if err := w.compile(ctx, b, aside, log); err != nil {
		return nil, fail(b.String(), err)
	}
	return func() error {
		for _, s := range b.steps {
			if err := w.finish(ctx, s, aside, log); err != nil {
				return fail(s.Name+" "+s.Version, err)
			}
			s.event.State, s.event.Elapsed = Built, o.Now().Sub(start).Round(time.Second/10)
			o.Progress(s.event)
		}
		return errors.Join(os.RemoveAll(aside), log.Close())
	}, nil
}

func (w *workshop) openLog(b batch) (*os.File, error) {
	dir := filepath.Join(w.dir, "logs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(dir, b.name+".log"))
}

// finish packs the program, if it goes into an image, and puts it into the
// bundle.
func (w *workshop) finish(ctx context.Context, s step, aside string, log io.Writer) error {
	program := filepath.Join(aside, s.program())
	own := filepath.Join(aside, "of-"+s.Name)
	if err := os.Mkdir(own, 0o755); err != nil {
		return err
	}
	made := filepath.Join(own, "artefact")
	if s.Kind != Image {
		// The program stays, for an image that holds it as well.
		if err := os.Link(program, made); err != nil {
			return err
		}
		return w.place(ctx, s.component, s.input, made)
	}
	base, err := w.layer(ctx, s.Image.Layer, own, log)
	if err != nil {
		return err
	}
	if err := packImage(own, made, w.arch, program, base, s.Image); err != nil {
		return err
	}
	return errors.Join(w.place(ctx, s.component, s.input, made), os.RemoveAll(own))
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// program is the name that the compiler gives to the component's program.
// `go build` takes the last element of the import path that is no version.
func (c component) program() string {
	if c.C != "" {
		return c.Name
	}
	dir, last := path.Split(c.Go.Package)
	if majorVersion.MatchString(last) {
		return path.Base(dir)
	}
	return last
}
