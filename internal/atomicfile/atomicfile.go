// Package atomicfile writes files so that a reader, a crash or a full disk
// finds either the old content or the new, never a half. A Batch makes a
// command's files appear together at the cost of one sync.
package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Batch collects files and writes them in Commit. The zero value is ready.
type Batch struct {
	files []file
}

type file struct {
	path    string
	content []byte
	mode    fs.FileMode
	temp    string
}

// Add plans a file; missing parent folders are made with mode 0755, or 0700
// where the file itself is not for others.
func (b *Batch) Add(path string, content []byte, mode fs.FileMode) {
	b.files = append(b.files, file{path: path, content: content, mode: mode})
}

// Commit writes every file beside its place, syncs once, then renames each. A
// file that already has the content and mode is left untouched. On an error
// nothing is renamed and the temporary files are removed.
func (b *Batch) Commit() (err error) {
	defer func() {
		for _, f := range b.files {
			if f.temp != "" {
				err = errors.Join(err, removeIfThere(f.temp))
			}
		}
		b.files = nil
	}()
	changed := false
	for i := range b.files {
		f := &b.files[i]
		if same(f) {
			continue
		}
		if err := f.writeTemp(); err != nil {
			return fmt.Errorf("write %s: %w", f.path, err)
		}
		changed = true
	}
	if !changed {
		return nil
	}
	if err := b.sync(); err != nil {
		return err
	}
	for i := range b.files {
		f := &b.files[i]
		if f.temp == "" {
			continue
		}
		if err := os.Rename(f.temp, f.path); err != nil {
			return fmt.Errorf("write %s: %w", f.path, err)
		}
		f.temp = ""
	}
	return nil
}

// Write is a Batch of one.
func Write(path string, content []byte, mode fs.FileMode) error {
	var b Batch
	b.Add(path, content, mode)
	return b.Commit()
}

func same(f *file) bool {
	info, err := os.Lstat(f.path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != f.mode.Perm() || info.Size() != int64(len(f.content)) {
		return false
	}
	old, err := os.ReadFile(f.path)
	return err == nil && bytes.Equal(old, f.content)
}

func (f *file) writeTemp() error {
	dirMode := fs.FileMode(0o755)
	if f.mode.Perm()&0o077 == 0 {
		dirMode = 0o700
	}
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	t, err := os.CreateTemp(dir, "."+filepath.Base(f.path)+".*")
	if err != nil {
		return err
	}
	f.temp = t.Name()
	_, err = t.Write(f.content)
	if err == nil {
		err = t.Chmod(f.mode.Perm())
	}
	return errors.Join(err, t.Close())
}

// sync flushes the file system of each distinct folder once: syncfs costs the
// same for one file as for a thousand.
func (b *Batch) sync() error {
	seen := map[uint64]bool{}
	for _, f := range b.files {
		if f.temp == "" {
			continue
		}
		if err := syncFS(f.temp, seen); err != nil {
			return fmt.Errorf("sync %s: %w", f.path, err)
		}
	}
	return nil
}

func syncFS(path string, seen map[uint64]bool) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return err
	}
	if seen[st.Dev] {
		return nil
	}
	seen[st.Dev] = true
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
