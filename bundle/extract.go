package bundle

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// extract writes members of a .tar.gz to the files that they are mapped to, and
// touches nothing else. Every one of them must be there.
func extract(ctx context.Context, archive string, to map[string]string) error {
	f, err := os.Open(archive)
	if err != nil {
		return localError{err}
	}
	defer func() { _ = f.Close() }()
	packed, err := gzip.NewReader(contextReader{ctx, f})
	if err != nil {
		return err
	}
	missing := maps.Clone(to)
	for in := tar.NewReader(packed); len(missing) > 0; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s is not in it", strings.Join(slices.Sorted(maps.Keys(missing)), ", "))
		}
		if err != nil {
			return err
		}
		name := path.Clean(h.Name)
		file, ok := missing[name]
		if !ok {
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("%s is no regular file in it", name)
		}
		if err := writeFile(file, in); err != nil {
			return err
		}
		delete(missing, name)
	}
	return nil
}

// writeFile writes a new file and brings it to the disk.
func writeFile(file string, content io.Reader) error {
	out, err := os.Create(file)
	if err != nil {
		return localError{err}
	}
	_, err = io.Copy(localWriter{out}, content)
	return errors.Join(err, asLocal(out.Sync()), asLocal(out.Close()))
}
