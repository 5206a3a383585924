package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"
)

// leftover matches the names of temporary files, and the process in them.
var leftover = regexp.MustCompile(`^\.kbm\..+\.([0-9]+)$`)

// tempName is where a file waits: beside its place, for a rename does not
// cross file systems, and with the number of this process, so that a later one
// knows what a killed one left.
func tempName(path string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".kbm.%s.%d", filepath.Base(path), os.Getpid()))
}

// sweep removes what killed processes left in a folder: it may hold keys.
func (b *Batch) sweep(dir string) error {
	if b.swept[dir] {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if m := leftover.FindStringSubmatch(e.Name()); m != nil && !alive(m[1]) {
			if err := removeIfThere(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if b.swept == nil {
		b.swept = map[string]bool{}
	}
	b.swept[dir] = true
	return nil
}

func alive(process string) bool {
	pid, err := strconv.Atoi(process)
	return err == nil && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
