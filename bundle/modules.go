package bundle

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// The tool modules that pin the sources. A go.mod and a go.sum go by other names
// here, because go:embed leaves out a folder that is a module. Programs of our
// own stand in folders whose names begin with an underscore, because they import
// what kbm's own module does not have.
//
//go:embed all:modules
var modules embed.FS

// layOut writes a tool module as Go wants it into dir and returns its folder.
func layOut(dir, module string) (string, error) {
	names, err := filesOf(module)
	if err != nil {
		return "", fmt.Errorf("lay out module %s: %w", module, err)
	}
	var files atomicfile.Batch
	for _, name := range names {
		data, err := fs.ReadFile(modules, name)
		if err != nil {
			return "", fmt.Errorf("lay out module %s: %w", module, err)
		}
		files.Add(filepath.Join(dir, filepath.FromSlash(laidOut(name))), data, 0o644)
	}
	if err := files.Commit(); err != nil {
		return "", fmt.Errorf("lay out module %s: %w", module, err)
	}
	return filepath.Join(dir, "modules", module), nil
}

// laidOut is the path of an embedded file in the workshop.
func laidOut(name string) string {
	folder, file := path.Split(name)
	switch file {
	case "module.mod":
		file = "go.mod"
	case "module.sum":
		file = "go.sum"
	}
	return folder + file
}

// filesOf lists a tool module's embedded files, in the order of their names.
func filesOf(module string) ([]string, error) {
	var names []string
	err := fs.WalkDir(modules, path.Join("modules", module), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// sources returns every embedded byte that a component is built from.
func sources(c component) ([]byte, error) {
	names := []string{path.Join("modules", c.C)}
	if c.C == "" {
		var err error
		if names, err = filesOf(c.Go.Module); err != nil {
			return nil, fmt.Errorf("sources of %s: %w", c.Name, err)
		}
	}
	var all []byte
	for _, name := range names {
		data, err := fs.ReadFile(modules, name)
		if err != nil {
			return nil, fmt.Errorf("sources of %s: %w", c.Name, err)
		}
		all = append(all, data...)
	}
	return all, nil
}
