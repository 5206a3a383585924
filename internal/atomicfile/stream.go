package atomicfile

import (
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
