package atomicfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// few is the number of files up to which each is synced by itself. Syncing a
// whole file system costs the same for one file as for a thousand, but waits
// for whatever other programs have written.
const few = 32

// sync brings the staged files to the disk.
func (b *Batch) sync() error {
	waiting := []string{}
	for _, f := range b.files {
		if f.temp != "" {
			waiting = append(waiting, f.temp)
		}
	}
	flush := unix.Fsync
	if len(waiting) > few {
		flush = oncePerDevice(unix.Syncfs)
	}
	for _, temp := range waiting {
		if err := with(temp, flush); err != nil {
			return fmt.Errorf("sync %s: %w", temp, err)
		}
	}
	return nil
}

// oncePerDevice leaves out what is on a file system that was flushed already.
func oncePerDevice(flush func(fd int) error) func(fd int) error {
	seen := map[uint64]bool{}
	return func(fd int) error {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil || seen[st.Dev] {
			return err
		}
		seen[st.Dev] = true
		return flush(fd)
	}
}

func with(path string, do func(fd int) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(do(int(f.Fd())), f.Close())
}
