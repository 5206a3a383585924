package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// instead is the folder of a tool module with files that are compiled in place
// of upstream's (ADR 0021). The path of each is that of its package and its own
// name; an empty one takes upstream's away.
const instead = "_instead"

// changedMod is the go.mod that leads to the changed copies of upstream's modules.
const changedMod = "changed.mod"

// change copies each module of which a tool module has files of its own, puts
// these into the copy, and returns the path of a go.mod that leads there: empty,
// where there are none. What is copied was verified by go.sum when go brought it.
func change(ctx context.Context, log io.Writer, sources string, env []string) (string, error) {
	own := filepath.Join(sources, instead)
	var lines []string // of the go.mod
	err := filepath.WalkDir(own, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(own, file)
		if err != nil {
			return err
		}
		name, dir, err := moduleOf(ctx, log, sources, env, path.Dir(filepath.ToSlash(relative)))
		if err != nil {
			return err
		}
		copied := filepath.Join("_changed", filepath.FromSlash(name))
		if line := fmt.Sprintf("replace %s => ./%s\n", name, filepath.ToSlash(copied)); !slices.Contains(lines, line) {
			lines = append(lines, line)
			to := filepath.Join(sources, copied)
			if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(dir))); err != nil {
				return err
			}
		}
		inModule, err := filepath.Rel(filepath.FromSlash(name), relative)
		if err != nil {
			return err
		}
		return put(file, filepath.Join(sources, copied, inModule))
	})
	if errors.Is(err, fs.ErrNotExist) && len(lines) == 0 {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("change upstream's sources: %w", err)
	}
	return changedMod, writeChangedMod(sources, lines)
}

// put writes a file over another one; an empty one removes it.
func put(file, over string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(content) == 0 {
		return os.Remove(over)
	}
	return os.WriteFile(over, content, 0o644)
}

func writeChangedMod(sources string, lines []string) error {
	mod, err := os.ReadFile(filepath.Join(sources, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(sources, "go.sum"))
	if err != nil {
		return err
	}
	var files atomicfile.Batch
	files.Add(filepath.Join(sources, changedMod), []byte(string(mod)+"\n"+strings.Join(lines, "")), 0o644)
	files.Add(filepath.Join(sources, strings.TrimSuffix(changedMod, ".mod")+".sum"), sum, 0o644)
	return files.Commit()
}

// moduleOf is the name of the pinned module that has a package, and the folder
// into which go has put it.
func moduleOf(ctx context.Context, log io.Writer, sources string, env []string, pkg string) (name, dir string, err error) {
	// -e: the package is found also where it cannot be compiled as it is.
	c := exec.CommandContext(ctx, "go", "list", "-e", "-find", "-f", "{{with .Module}}{{.Path}} {{.Dir}}{{end}}", pkg)
	c.Dir, c.Env, c.Stderr = sources, append(os.Environ(), env...), log
	out, err := c.Output()
	if err != nil {
		return "", "", fmt.Errorf("find package %s: %w", pkg, err)
	}
	name, dir, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	if dir == "" {
		return "", "", fmt.Errorf("no pinned module has package %s", pkg)
	}
	return name, dir, nil
}
