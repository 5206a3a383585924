package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const netnsDir = "/run/netns"

func netnsPath(name string) string { return filepath.Join(netnsDir, name) }

// inNetns runs f on a thread that is in the named network namespace: sockets
// that f opens and processes that it starts belong there. Afterwards the
// thread goes back, or dies where it cannot.
func inNetns(name string, f func() error) error {
	return onThread(func() (bool, error) {
		home, err := netns.Get()
		if err != nil {
			return true, fmt.Errorf("network namespace: %w", err)
		}
		if err := enterNetns(name); err != nil {
			return true, errors.Join(err, home.Close())
		}
		err = f()
		back := netns.Set(home)
		return back == nil, errors.Join(err, home.Close())
	})
}

// enterNetns moves the calling thread.
func enterNetns(name string) error {
	ns, err := netns.GetFromName(name)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", name, err)
	}
	err = netns.Set(ns)
	if errors.Is(err, unix.EPERM) {
		err = errNotRoot
	}
	if err != nil {
		return errors.Join(fmt.Errorf("enter network namespace %s: %w", name, err), ns.Close())
	}
	return ns.Close()
}

// onThread runs f on a thread of its own. The thread is given back to the
// runtime only if f says that it is as it was; otherwise it ends with f.
func onThread(f func() (clean bool, err error)) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		// The process's first thread never ends, and what /proc says of the
		// whole process is its: hold it while another one does the work.
		if unix.Gettid() == unix.Getpid() {
			err := onThread(f)
			runtime.UnlockOSThread()
			done <- err
			return
		}
		clean, err := f()
		if clean {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// Dial opens a connection as the outside machine would: it is a dialer for
// programs that stay in the host's own namespace. The address must hold an IP,
// because names would be asked of the host's resolver, which is not in the lab.
func (l Lab) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("dial %s in the lab: want IP:port: %w", address, err)
	}
	var conn net.Conn
	err := inNetns(l.outsideNetns(), func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Run starts a command on the outside machine and waits for it, as cmd.Run does.
func (l Lab) Run(cmd *exec.Cmd) error {
	if err := inNetns(l.outsideNetns(), cmd.Start); err != nil {
		return err
	}
	return cmd.Wait()
}

// Exec replaces this process by a command on the outside machine, so that
// signals, terminal and exit code are the command's own. It returns only if
// that is impossible. Path is the program's absolute path.
func (l Lab) Exec(path string, argv, env []string) error {
	return onThread(func() (bool, error) {
		if err := enterNetns(l.outsideNetns()); err != nil {
			return true, err
		}
		return false, &os.PathError{Op: "exec", Path: path, Err: syscall.Exec(path, argv, env)}
	})
}

// makeNetns makes an empty network namespace with a name, in place of any old
// one of that name.
func makeNetns(name string) error {
	if err := removeNetns(name); err != nil {
		return err
	}
	return onThread(func() (bool, error) {
		ns, err := netns.NewNamed(name)
		if err != nil {
			return false, fmt.Errorf("make network namespace %s: %w", name, err)
		}
		return false, ns.Close()
	})
}

// removeNetns also removes what a kill in the middle of makeNetns left: a
// plain file without a namespace mounted on it.
func removeNetns(name string) error {
	if err := detach(netnsPath(name)); err != nil {
		return err
	}
	if err := os.Remove(netnsPath(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove network namespace %s: %w", name, err)
	}
	return nil
}

// detach removes every mount from a path: there can be several where the
// folder above is mounted on itself, as iproute2 does.
func detach(path string) error {
	for {
		err := unix.Unmount(path, unix.MNT_DETACH)
		switch {
		case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT):
			return nil
		case err != nil:
			return fmt.Errorf("unmount %s: %w", path, err)
		}
	}
}

func netnsAlive(name string) bool {
	var st unix.Statfs_t
	return unix.Statfs(netnsPath(name), &st) == nil && st.Type == unix.NSFS_MAGIC
}
