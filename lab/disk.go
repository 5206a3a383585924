package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// disk is a machine's file system: the base, which all machines share and none
// can change, under what the machine has written.
type disk struct {
	dir, base string
	// stock is what a fresh disk begins with, nil for nothing.
	stock *Stock
	// root is where it is mounted, in the machine's own view of the mounts
	// alone: on the host it stays empty. Unlike dir it is open to everybody,
	// because Ignition writes a user's files as that user.
	root string
}

func (d disk) upper() string  { return filepath.Join(d.dir, "upper") }
func (d disk) work() string   { return filepath.Join(d.dir, "work") }
func (d disk) marker() string { return filepath.Join(d.dir, "installed") }

func (d disk) plains() string { return filepath.Join(d.dir, "plain") }

// plain is the folder that stands in for one of plainDirs.
func (d disk) plain(dir string) string {
	return filepath.Join(d.plains(), strings.ReplaceAll(strings.Trim(dir, "/"), "/", "-"))
}

// plainDirs are places where machines mount overlays of their own, which the
// kernel refuses on top of an overlay.
func plainDirs() []string { return []string{containerdDir} }

// prepare makes the folders, and says whether the disk is fresh, that is
// whether a medium has still to be applied to it. Half of an installation is
// thrown away, and so is a disk from before this computer last started: it was
// never synced, because machines are disposable.
func (d disk) prepare() (fresh bool, err error) {
	boot, err := bootID()
	if err != nil {
		return false, err
	}
	installed, err := os.ReadFile(d.marker())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	fresh = !bytes.Equal(installed, boot)
	if fresh {
		for _, dir := range []string{d.marker(), d.upper(), d.work(), d.plains(), d.stockRecord()} {
			if err := os.RemoveAll(dir); err != nil {
				return false, err
			}
		}
	}
	dirs := []string{d.root, d.upper(), d.work()}
	for _, dir := range plainDirs() {
		dirs = append(dirs, d.plain(dir))
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return false, err
		}
		// Whatever the umask: upper becomes the machine's /.
		if err := os.Chmod(dir, 0o755); err != nil {
			return false, err
		}
	}
	// What the option volatile leaves, so that nobody mounts unsynced data
	// without knowing; see the kernel's overlayfs documentation.
	return fresh, os.RemoveAll(filepath.Join(d.work(), "work", "incompat"))
}

func (d disk) installed() error {
	boot, err := bootID()
	if err != nil {
		return err
	}
	return os.WriteFile(d.marker(), boot, 0o600)
}

func bootID() ([]byte, error) { return os.ReadFile("/proc/sys/kernel/random/boot_id") }

// mount gives the calling thread mounts of its own and mounts the disk there.
func (d disk) mount(netnsName string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("own mounts: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("own mounts: %w", err)
	}
	if err := dropOtherNetns(netnsName); err != nil {
		return err
	}
	// Volatile: a machine's fsync costs nothing. It protects from a crash of
	// this computer only, after which the disk is made anew.
	lower, err := d.lower()
	if err != nil {
		return err
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,volatile", lower, d.upper(), d.work())
	if err := unix.Mount("overlay", d.root, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount %s over %s: %w", d.upper(), lower, err)
	}
	return nil
}

// dropOtherNetns removes the mounts of other network namespaces from this
// thread's view. They would keep the namespaces alive as long as the machine.
func dropOtherNetns(own string) error {
	names, err := os.ReadDir(netnsDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name.Name() == own {
			continue
		}
		if err := detach(netnsPath(name.Name())); err != nil {
			return err
		}
	}
	return nil
}
