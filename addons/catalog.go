package addons

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/kbm-dev/kbm/cluster"
)

// Entry is an addon that kbm has, whether a cluster uses it or not.
type Entry struct {
	Name        string
	Description string
	// Optional ones are turned on by a section of cluster.yaml.
	Optional bool
}

// Catalog lists every addon there is, in order of need.
func Catalog() ([]Entry, error) { return catalogOf(folders) }

func catalogOf(fsys fs.FS) ([]Entry, error) {
	files, err := fs.Glob(fsys, "*/"+aboutFile)
	if err != nil {
		return nil, fmt.Errorf("list addons: %w", err)
	}
	entries, orders := []Entry{}, map[string]int{}
	for _, file := range files {
		name := path.Dir(file)
		m, err := readAbout(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("addon %s: %w", name, err)
		}
		orders[name] = m.Order
		entries = append(entries, Entry{name, m.Description, slices.Contains(cluster.OptionalAddons(), name)})
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(orders[a.Name], orders[b.Name]), cmp.Compare(a.Name, b.Name))
	})
	return entries, nil
}
