package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Down takes the named machines away, disk and all, or the whole lab if none
// is named. What is not there needs no taking down.
func (l Lab) Down(ctx context.Context, names ...string) error {
	return l.down(ctx, names, func(name string) error {
		// First what says that the disk is whole: this may be interrupted.
		err := os.Remove(disk{dir: l.machineDir(name)}.marker())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return os.RemoveAll(l.machineDir(name))
	})
}

// Off cuts the power of the named machines, or of all if none is named. They
// keep their disks, and Up switches them on again.
func (l Lab) Off(ctx context.Context, names ...string) error {
	return l.down(ctx, names, nil)
}

func (l Lab) down(ctx context.Context, names []string, remove func(machine string) error) (err error) {
	for _, name := range names {
		if !machineName.MatchString(name) {
			return fmt.Errorf("machine name %q: want lower case letters, digits and -, at most 63", name)
		}
	}
	// Not the record, which an interrupted Up may not have written yet.
	if _, err := os.Stat(l.StateDir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d, err := l.stopper()
	if err != nil {
		return err
	}
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	chosen := names
	if len(names) == 0 {
		if chosen, err = l.Names(); err != nil {
			return err
		}
	}
	faults := make([]error, len(chosen))
	var all sync.WaitGroup
	for i, name := range chosen {
		all.Go(func() {
			faults[i] = d.Stop(ctx, name)
			if faults[i] == nil && remove != nil {
				faults[i] = remove(name)
			}
		})
	}
	all.Wait()
	if err := errors.Join(faults...); err != nil || remove == nil || len(names) > 0 {
		return err
	}
	return l.removeAll(ctx)
}

// removeAll leaves nothing behind. The record goes last of what matters: as
// long as it is there, another Down finishes what an interrupted one left.
func (l Lab) removeAll(ctx context.Context) error {
	if err := removeNetns(l.outsideNetns()); err != nil {
		return err
	}
	if err := os.RemoveAll(l.machinesDir()); err != nil {
		return err
	}
	if err := os.RemoveAll(l.StateDir); err != nil {
		return err
	}
	return removeRoot(ctx, filepath.Dir(l.StateDir))
}

// removeRoot goes with the last lab. It removes folders only if they are empty.
func removeRoot(ctx context.Context, stateRoot string) error {
	left, err := All(stateRoot)
	if err != nil || len(left) > 0 {
		return err
	}
	if err := restoreLimits(ctx, procSys, stateRoot); err != nil {
		return err
	}
	for _, dir := range []string{stateRoot, filepath.Dir(stateRoot)} {
		if os.Remove(dir) != nil {
			break
		}
	}
	return nil
}

// Names lists the machines that were brought up and not taken down, sorted.
func (l Lab) Names() ([]string, error) {
	entries, err := os.ReadDir(l.machinesDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, errNotRoot
	}
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", l.ID, err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}
