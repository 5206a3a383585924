package bundle

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// layer returns the file of the layer, which is made once for all images.
func (w *workshop) layer(ctx context.Context, name, aside string, log io.Writer) (string, error) {
	row, ok := layerNamed(name)
	if !ok {
		return "", nil
	}
	file := filepath.Join(w.dir, "layers", name+"-"+w.layerKey(row)[:16]+".tar")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	entries := baseEntries()
	if len(row.Packages) > 0 {
		// Base entries come last: packages have folders of the same names.
		files, err := debianEntries(ctx, filepath.Join(aside, "apt"), w.arch, row.Packages, log)
		if err != nil {
			return "", err
		}
		entries = append(files, entries...)
	}
	for link, target := range row.Links {
		entries = append(entries, entry{Name: link, Link: target})
	}
	temp := file + ".tmp"
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), tarFile(temp, entries)); err != nil {
		return "", err
	}
	return file, os.Rename(temp, file)
}
