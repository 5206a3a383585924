package bundle

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// The tool modules that pin the sources. Their go.mod and go.sum go by other
// names here, because go:embed leaves out a folder that is a module.
//
//go:embed modules
var modules embed.FS

// layOut writes a tool module as Go wants it into dir and returns its folder.
func layOut(dir, module string) (string, error) {
	to := filepath.Join(dir, "modules", module)
	var files atomicfile.Batch
	for _, name := range []string{"mod", "sum"} {
		data, err := fs.ReadFile(modules, path.Join("modules", module, "module."+name))
		if err != nil {
			return "", fmt.Errorf("lay out module %s: %w", module, err)
		}
		files.Add(filepath.Join(to, "go."+name), data, 0o644)
	}
	if err := files.Commit(); err != nil {
		return "", fmt.Errorf("lay out module %s: %w", module, err)
	}
	return to, nil
}

// sources returns every embedded byte that a component is built from.
func sources(c component) ([]byte, error) {
	names := []string{path.Join("modules", c.Go.Module, "module.mod"), path.Join("modules", c.Go.Module, "module.sum")}
	if c.C != "" {
		names = []string{path.Join("modules", c.C)}
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
