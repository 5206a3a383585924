// Package atomicfile writes files so that a reader, a crash or a full disk
// finds either the old content or the new, never a half. A Batch makes a
// command's files appear together at the cost of one sync.
package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Batch collects files and writes them in Commit. The zero value is ready.
type Batch struct {
	files []file
	dirs  []string        // made for the files, parents first
	swept map[string]bool // folders that hold no leftovers any more
}

type file struct {
	path    string
	content []byte
	fill    func(io.Writer) error // instead of content
	size    int64                 // of what fill writes
	mode    fs.FileMode
	staged  bool
	temp    string // set while the file waits beside its place
}

// Add plans a file; missing parent folders are made with mode 0755, or 0700
// where the file itself is not for others.
func (b *Batch) Add(path string, content []byte, mode fs.FileMode) {
	b.files = append(b.files, file{path: path, content: content, mode: mode})
}

// AddStream is Add for content that is larger than memory: fill writes it, of
// that size in bytes, each time that it is called.
func (b *Batch) AddStream(path string, size int64, mode fs.FileMode, fill func(io.Writer) error) {
	b.files = append(b.files, file{path: path, size: size, mode: mode, fill: fill})
}

// Stage writes what was added beside its place and forgets the content, so
// that a batch can be larger than memory. A file that already has the content
// and mode is left untouched. On an error the whole batch is dropped.
func (b *Batch) Stage() error {
	for i := range b.files {
		f := &b.files[i]
		if f.staged {
			continue
		}
		err := b.sweep(filepath.Dir(f.path))
		if err == nil && !same(f) {
			err = b.writeTemp(f)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", f.path, err), b.Drop())
		}
		f.staged, f.content, f.fill = true, nil, nil
	}
	return nil
}

// Changed lists the staged files that differ from what is on disk.
func (b *Batch) Changed() []string {
	paths := []string{}
	for _, f := range b.files {
		if f.temp != "" {
			paths = append(paths, f.path)
		}
	}
	return paths
}

// Drop forgets the batch and removes what it put on disk.
func (b *Batch) Drop() error {
	var all error
	for _, f := range b.files {
		if f.temp != "" {
			all = errors.Join(all, removeIfThere(f.temp))
		}
	}
	for i := len(b.dirs) - 1; i >= 0; i-- {
		// Best effort: somebody else may use the folder by now.
		_ = os.Remove(b.dirs[i])
	}
	*b = Batch{}
	return all
}

// Commit stages what is not yet, syncs once, then renames each file into its
// place, in the order they were added. On an error before the renames nothing
// is changed, and temporary files are removed in any case.
func (b *Batch) Commit() error {
	if err := b.Stage(); err != nil {
		return err
	}
	if err := b.sync(); err != nil {
		return errors.Join(err, b.Drop())
	}
	for i := range b.files {
		f := &b.files[i]
		if f.temp == "" {
			continue
		}
		if err := os.Rename(f.temp, f.path); err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", f.path, err), b.Drop())
		}
		f.temp = ""
	}
	*b = Batch{}
	return nil
}

// Write is a Batch of one.
func Write(path string, content []byte, mode fs.FileMode) error {
	var b Batch
	b.Add(path, content, mode)
	return b.Commit()
}

func same(f *file) bool {
	size := f.size
	if f.fill == nil {
		size = int64(len(f.content))
	}
	info, err := os.Lstat(f.path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != f.mode.Perm() || info.Size() != size {
		return false
	}
	if f.fill != nil {
		return sameStream(f)
	}
	old, err := os.ReadFile(f.path)
	return err == nil && bytes.Equal(old, f.content)
}

func (b *Batch) writeTemp(f *file) error {
	dir := filepath.Dir(f.path)
	if err := b.makeDir(dir, f.mode); err != nil {
		return err
	}
	temp := tempName(f.path)
	// In a container every kbm may have the same number: then it is a leftover.
	if err := removeIfThere(temp); err != nil {
		return err
	}
	t, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	f.temp = temp
	if f.fill != nil {
		err = f.fill(t)
	} else {
		_, err = t.Write(f.content)
	}
	if err == nil {
		err = t.Chmod(f.mode.Perm())
	}
	return errors.Join(err, t.Close())
}

// makeDir makes a folder and its parents, and remembers those that were not
// there, for Drop.
func (b *Batch) makeDir(dir string, mode fs.FileMode) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := b.makeDir(parent, mode); err != nil {
			return err
		}
	}
	perm := fs.FileMode(0o755)
	if mode.Perm()&0o077 == 0 {
		perm = 0o700
	}
	if err := os.Mkdir(dir, perm); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	b.dirs = append(b.dirs, dir)
	return nil
}
