package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// entry is a file of a layer. A layer's bytes depend on its entries alone:
// names are sorted, times are zero, everything belongs to root.
type entry struct {
	Name string // slash path without a leading slash
	Mode int64
	Dir  bool
	Link string // target of a symbolic link
	Hard string // name that this is a hard link to
	Data []byte
	File string // read the content from there instead of Data
}

// writeTar writes the entries, and every folder that leads to one.
func writeTar(w io.Writer, entries []entry) error {
	out := tar.NewWriter(w)
	for _, e := range withParents(entries) {
		if err := e.write(out); err != nil {
			return fmt.Errorf("pack %s: %w", e.Name, err)
		}
	}
	return out.Close()
}

// withParents adds missing folders and sorts. Hard links go last, since what
// they name has to be there before them.
func withParents(entries []entry) []entry {
	all := map[string]entry{}
	for _, e := range entries {
		all[e.Name] = e
	}
	for _, e := range entries {
		for dir := path.Dir(e.Name); dir != "."; dir = path.Dir(dir) {
			if _, ok := all[dir]; !ok {
				all[dir] = entry{Name: dir, Dir: true, Mode: 0o755}
			}
		}
	}
	sorted := make([]entry, 0, len(all))
	for _, e := range all {
		sorted = append(sorted, e)
	}
	slices.SortFunc(sorted, func(a, b entry) int {
		if (a.Hard != "") != (b.Hard != "") {
			if a.Hard != "" {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return sorted
}

func (e entry) write(out *tar.Writer) (err error) {
	h := &tar.Header{Name: e.Name, Mode: e.Mode, ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	var content io.Reader = bytes.NewReader(e.Data)
	switch {
	case e.Dir:
		h.Typeflag, h.Name = tar.TypeDir, e.Name+"/"
	case e.Link != "":
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, e.Link, 0o777
	case e.Hard != "":
		h.Typeflag, h.Linkname = tar.TypeLink, e.Hard
	case e.File != "":
		f, err := os.Open(e.File)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		content, h.Size = f, info.Size()
	default:
		h.Size = int64(len(e.Data))
	}
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return err
}
