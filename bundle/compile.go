package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// compile builds the batch's programs into dir, each under the name that
// program gives.
func (w *workshop) compile(ctx context.Context, b batch, dir string, log io.Writer) error {
	first := b.steps[0].component
	if first.C != "" {
		return w.compileC(ctx, first, filepath.Join(dir, first.program()), log)
	}
	sources, err := layOut(w.dir, first.Go.Module)
	if err != nil {
		return err
	}
	cgo := "0"
	if first.Go.Cgo {
		cgo = "1"
	}
	// The user's own settings must not change what comes out.
	env := []string{"CGO_ENABLED=" + cgo, "GOOS=linux", "GOARCH=" + w.arch, "GOFLAGS=-mod=readonly", "GOWORK=off"}
	// The linker leaves debug information out (-s -w), so none is made for it:
	// that is an eighth of a compiler's time.
	args := []string{
		"build", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", "-tags", first.Go.Tags,
		"-o", dir + string(filepath.Separator),
	}
	mod, err := change(ctx, log, sources, env)
	if err != nil {
		return err
	}
	if mod != "" {
		args = append(args, "-modfile", mod)
	}
	if w.parallel > 0 {
		args = append(args, "-p", fmt.Sprint(w.parallel))
	}
	var packages []string
	for _, s := range b.steps {
		if slices.Contains(packages, s.Go.Package) {
			continue // a program on its own, and in an image
		}
		packages = append(packages, s.Go.Package)
		args = append(args, "-ldflags="+s.Go.Package+"="+strings.TrimSpace("-s -w "+s.Go.LDFlags))
	}
	return run(ctx, log, sources, env, "go", append(args, packages...)...)
}

func (w *workshop) compileC(ctx context.Context, c component, out string, log io.Writer) error {
	source, err := sources(c)
	if err != nil {
		return err
	}
	dir := filepath.Join(w.dir, "c")
	file := filepath.Join(dir, filepath.Base(c.C))
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(file, source, 0o644)); err != nil {
		return err
	}
	return run(ctx, log, dir, nil, "gcc", "-Os", "-Wall", "-Werror", "-static", "-s", "-Wl,--build-id=none", "-o", out, filepath.Base(file))
}
