package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// stockRecord names the stock that is a layer of this disk, for as long as
// there is the disk.
func (d disk) stockRecord() string { return filepath.Join(d.dir, "stock") }

// stockPath is empty for a disk without a stock.
func (d disk) stockPath() (string, error) {
	path, err := os.ReadFile(d.stockRecord())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return string(path), nil
}

// beginWithStock gives a fresh disk its stock, if it shall have one. The record
// comes first, under the lock: from then on nobody replaces the stock.
func (d disk) beginWithStock(ctx context.Context) error {
	if d.stock == nil {
		return nil
	}
	lock, err := lockStocks(ctx, filepath.Dir(d.stock.Path))
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(d.stockRecord(), []byte(d.stock.Path), 0o600), lock.Close()); err != nil {
		return err
	}
	if _, err := os.Stat(d.stock.record()); err != nil {
		return d.stockGone(d.stock.Path)
	}
	to := d.plain(containerdDir)
	link := []string{"--link"}
	if err := d.linkable(); errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EPERM) {
		link = nil
	} else if err != nil {
		return err
	}
	if err := copyTree(ctx, d.stock.shared(), to, append(link, "--", ".")...); err != nil {
		return err
	}
	// Last, because it has the modes of the folders that both have.
	return copyTree(ctx, d.stock.own(), to, "--", ".")
}

// linkable tries whether the disk can have links to the stock's files: not
// where they lie on different file systems, or on one without links.
func (d disk) linkable() error {
	probe := filepath.Join(d.dir, "link")
	if err := os.Link(d.stock.record(), probe); err != nil {
		return err
	}
	return os.Remove(probe)
}

// lower is what lies under the machine's own writes.
func (d disk) lower() (string, error) {
	path, err := d.stockPath()
	if err != nil || path == "" {
		return d.base, err
	}
	s := Stock{Path: path}
	if _, err := os.Stat(s.record()); err != nil {
		return "", d.stockGone(path)
	}
	return s.root() + ":" + d.base, nil
}

func (d disk) stockGone(path string) error {
	return fmt.Errorf("it began with the stock %s, which is gone: take the machine down, which removes its disk, and make it again", path)
}
