package addons

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// addManifests takes in the user's own files, as they are: they are no
// templates.
func (v values) addManifests(a *Addon) error {
	for _, name := range v.Cluster.Addons.Extra.Manifests {
		files, err := manifestsIn(v.Cluster.Dir, name)
		if err != nil {
			return fmt.Errorf("manifests: %w", err)
		}
		for _, file := range files {
			text, err := v.sources.File(file)
			if err != nil {
				return err
			}
			objects, err := decode(bytes.NewReader(text))
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			a.add(file, objects)
		}
	}
	return nil
}

// manifestsIn lists a file, or all manifests of a folder and of the folders in
// it, sorted, by their names relative to dir. Files and folders with a dot in
// front are no manifests: editors and git leave them.
func manifestsIn(dir, name string) ([]string, error) {
	var files []string
	top := filepath.Join(dir, name)
	err := filepath.WalkDir(top, func(file string, entry fs.DirEntry, err error) error {
		manifest := slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file))
		switch {
		case err != nil:
			return err
		case file != top && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case manifest && !entry.IsDir():
			files = append(files, filepath.Join(name, strings.TrimPrefix(file, top)))
		case file == top && !entry.IsDir():
			return fmt.Errorf("%s is no manifest: name a folder, or a file that ends in .yaml, .yml or .json", name)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist: the name is relative to the cluster's folder", name)
	}
	return files, err
}
