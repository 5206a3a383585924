package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// compile builds the component's program into the file out.
func (w *workshop) compile(ctx context.Context, c component, out string) error {
	if c.C != "" {
		return w.compileC(ctx, c, out)
	}
	dir, err := layOut(w.dir, c.Go.Module)
	if err != nil {
		return err
	}
	cgo := "0"
	if c.Go.Cgo {
		cgo = "1"
	}
	// The user's own settings must not change what comes out.
	env := []string{"CGO_ENABLED=" + cgo, "GOOS=linux", "GOARCH=" + w.arch, "GOFLAGS=-mod=readonly", "GOWORK=off"}
	args := []string{
		"build", "-trimpath", "-buildvcs=false", "-tags", c.Go.Tags,
		"-ldflags", strings.TrimSpace("-s -w " + c.Go.LDFlags), "-o", out,
	}
	if w.parallel > 0 {
		args = append(args, "-p", fmt.Sprint(w.parallel))
	}
	return run(ctx, w.log, dir, env, "go", append(args, c.Go.Package)...)
}

func (w *workshop) compileC(ctx context.Context, c component, out string) error {
	source, err := sources(c)
	if err != nil {
		return err
	}
	dir := filepath.Join(w.dir, "c")
	file := filepath.Join(dir, filepath.Base(c.C))
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(file, source, 0o644)); err != nil {
		return err
	}
	return run(ctx, w.log, dir, nil, "gcc", "-Os", "-Wall", "-Werror", "-static", "-s", "-Wl,--build-id=none", "-o", out, filepath.Base(file))
}
