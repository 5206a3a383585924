package lab

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kbm-dev/kbm/ignition"
)

// carriedAt is where a machine mounts its medium to take a bundle from it. The
// lab's machines find it mounted there: this computer's kernel may not know the
// file system of a CD-ROM.
const carriedAt = "/var/lib/kbm-medium"

// carried unpacks what a medium carries of a bundle, once in a machine's life,
// and returns the folder; empty where it carries nothing.
func (l Lab) carried(m Machine) (dir string, err error) {
	dir = filepath.Join(l.machineDir(m.Name), "carried")
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	image, err := os.Open(m.ISO)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // it was taken out after the first boot
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, image.Close()) }()
	v, err := ignition.OpenISO(image)
	if err != nil {
		return "", fmt.Errorf("medium %s: %w", m.ISO, err)
	}
	half := dir + ".new"
	if err := os.RemoveAll(half); err != nil {
		return "", err
	}
	for _, f := range v.Files {
		if !strings.HasPrefix(f.Path, ignition.BundleDir+"/") || !filepath.IsLocal(f.Path) {
			continue
		}
		if err := unpack(v.Open(f), filepath.Join(half, f.Path)); err != nil {
			return "", fmt.Errorf("medium %s: %w", m.ISO, err)
		}
	}
	if err := os.Rename(half, dir); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return dir, nil
}

func unpack(from io.Reader, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}
