package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// nspawn runs machines as systemd-nspawn containers: real systemd, sshd and
// first boot, sharing this computer's kernel.
type nspawn struct {
	rack
	host                      host
	base, cloudBase, ignition string
	stock                     *Stock
}

var _ driver = nspawn{}

// Start may find a machine that an interrupted kbm is still starting.
func (n nspawn) Start(ctx context.Context, m Machine) error {
	return n.whenFree(ctx, m.Name, func(lock *os.File) error { return n.start(ctx, m, lock) })
}

func (n nspawn) start(ctx context.Context, m Machine, lock *os.File) error {
	if err := n.clear(ctx, m.Name); err != nil {
		return err
	}
	if err := n.lab.plug(m); err != nil {
		return err
	}
	if err := n.makeCgroups(m.Name); err != nil {
		return fmt.Errorf("machine %s: %w", m.Name, err)
	}
	d := disk{dir: n.lab.machineDir(m.Name), base: n.baseOf(m), stock: n.stock, root: n.lab.rootDir(m.Name)}
	fresh, err := d.prepare()
	if err != nil {
		return fmt.Errorf("disk of machine %s: %w", m.Name, err)
	}
	var boot firstBoot
	if fresh {
		if boot, err = n.firstBootOf(m); err != nil {
			return fmt.Errorf("machine %s: %w", m.Name, err)
		}
		if err := d.beginWithStock(ctx); err != nil {
			return fmt.Errorf("disk of machine %s: %w", m.Name, err)
		}
	}
	// The mounts are those of one thread, and of the machine that it starts:
	// nothing of them is ever seen, or left, outside.
	return onThread(func() (bool, error) {
		if err := d.mount(n.lab.machineNetns(m.Name)); err != nil {
			return false, fmt.Errorf("disk of machine %s: %w", m.Name, err)
		}
		if fresh {
			if err := boot(ctx, d.root, lock); err != nil {
				return false, fmt.Errorf("first boot of machine %s: %w", m.Name, err)
			}
			if err := errors.Join(n.host.writeQuirks(d.root), d.installed()); err != nil {
				return false, fmt.Errorf("disk of machine %s: %w", m.Name, err)
			}
		}
		// systemd-nspawn enters the namespace itself, but mounts a /sys that
		// shows the network cards of where it came from.
		if err := enterNetns(n.lab.machineNetns(m.Name)); err != nil {
			return false, err
		}
		return false, n.switchOn(m, d, lock)
	})
}

// Stop is also what removes the traces of a machine that ended by itself.
func (n nspawn) Stop(ctx context.Context, machine string) error {
	return n.stop(ctx, machine, func(ctx context.Context) error { return n.clear(ctx, machine) })
}

// clear removes what a machine that is off may have left. The caller holds its lock.
func (n nspawn) clear(ctx context.Context, machine string) error {
	if err := n.lab.unplug(machine); err != nil {
		return err
	}
	record := n.cgroupsPath(machine)
	dirs, err := os.ReadFile(record)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := removeCgroups(ctx, strings.FieldsFunc(string(dirs), func(r rune) bool { return r == '\n' })); err != nil {
		return fmt.Errorf("machine %s: %w", machine, err)
	}
	propagate := filepath.Join("/run/systemd/nspawn/propagate", n.containerName(machine))
	for _, path := range []string{record, n.processPath(machine), propagate} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (n nspawn) cgroupsPath(machine string) string {
	return filepath.Join(n.lab.machineDir(machine), "cgroups")
}

// makeCgroups first writes down which groups a machine is about to get, because
// they depend on where kbm itself runs, which may be elsewhere next time.
func (n nspawn) makeCgroups(machine string) error {
	var dirs []string
	if n.host.cgroup1 {
		self, err := os.ReadFile("/proc/self/cgroup")
		if err != nil {
			return err
		}
		dirs = cgroupDirs(cgroupRoot, string(self), n.lab.machineNetns(machine), false)
	}
	var record strings.Builder
	for _, dir := range dirs {
		record.WriteString(dir + "\n")
	}
	if err := os.WriteFile(n.cgroupsPath(machine), []byte(record.String()), 0o600); err != nil {
		return err
	}
	return makeCgroups(dirs)
}
