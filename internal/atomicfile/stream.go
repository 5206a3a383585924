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

// Stream is Write for content that is larger than memory: fill writes it. An
// error of fill leaves nothing behind, and is returned as it is.
func Stream(path string, mode fs.FileMode, fill func(io.Writer) error) error {
	var b Batch
	b.Add(path, nil, mode)
	f := &b.files[0]
	err := b.sweep(filepath.Dir(path))
	if err == nil {
		err = b.writeTemp(f)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), b.Drop())
	}
	t, err := os.OpenFile(f.temp, os.O_WRONLY, 0)
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), b.Drop())
	}
	if err := errors.Join(fill(t), t.Close()); err != nil {
		return errors.Join(err, b.Drop())
	}
	f.staged = true
	return b.Commit()
}

// errDiffers ends a comparison.
var errDiffers = errors.New("the content differs")

// sameStream compares without keeping either.
func sameStream(f *file) bool {
	old, err := os.Open(f.path)
	if err != nil {
		return false
	}
	defer func() { _ = old.Close() }() // it was only read
	return f.fill(&comparer{old: old}) == nil
}

// comparer takes what the file has, and nothing else.
type comparer struct {
	old io.Reader
	buf []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	got := c.buf[:len(p)]
	if _, err := io.ReadFull(c.old, got); err != nil || !bytes.Equal(got, p) {
		return 0, errDiffers
	}
	return len(p), nil
}
