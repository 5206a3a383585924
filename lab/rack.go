package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// rack is what all drivers share: which process a machine is, and the lock that
// whoever starts a machine passes on to it.
type rack struct {
	lab Lab
}

// reaction is how long a process may take to do what needs no waiting, on a
// computer that is busy with something else.
const reaction = time.Minute

func (r rack) processPath(machine string) string {
	return filepath.Join(r.lab.machineDir(machine), "process")
}

// Running gives the process that is the machine, 0 if it is off.
func (r rack) Running(machine string) int {
	if p, ok := r.process(machine); ok {
		return p.pid
	}
	return 0
}

func (r rack) process(machine string) (process, bool) {
	stat, err := os.ReadFile(r.processPath(machine))
	if err != nil {
		return process{}, false
	}
	p, _, _, err := parseStat(string(stat))
	return p, err == nil && p.alive()
}

// whenFree starts a machine that is off. It may find one that an interrupted
// kbm is still starting: it then waits until that one runs or is gone.
func (r rack) whenFree(ctx context.Context, machine string, start func(lock *os.File) error) error {
	dir := r.lab.machineDir(machine)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var lock *os.File
	waited, cancel := context.WithTimeout(ctx, reaction)
	defer cancel()
	err := poll(waited, 20*time.Millisecond, func() (bool, error) {
		var err error
		lock, err = tryLock(filepath.Join(dir, "lock"))
		if errors.Is(err, ErrLocked) {
			return r.Running(machine) != 0, nil
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("lock of machine %s: %w", machine, err)
	}
	if lock == nil {
		return nil
	}
	return errors.Join(start(lock), lock.Close())
}

// stop cuts the power, and then removes the traces with clear, also those of a
// machine that ended by itself.
func (r rack) stop(ctx context.Context, machine string, clear func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, reaction)
	defer cancel()
	var lock *os.File
	err := poll(ctx, 20*time.Millisecond, func() (bool, error) {
		if p, ok := r.process(machine); ok {
			if err := p.kill(ctx); err != nil {
				return false, err
			}
		}
		var err error
		lock, err = tryLock(filepath.Join(r.lab.machineDir(machine), "lock"))
		if errors.Is(err, ErrLocked) {
			return false, nil
		}
		return err == nil, err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return r.lab.unplug(machine)
	}
	if err != nil {
		return fmt.Errorf("stop machine %s: %w", machine, err)
	}
	return errors.Join(clear(ctx), lock.Close())
}

// launch runs a shell script that is to be the machine. It is told in $0 where
// to write down first which process it is, so that there is no moment at which
// a machine runs unrecorded, and it has the lock on descriptor 3.
func (r rack) launch(machine, script string, argv, env []string, lock *os.File) (err error) {
	console, err := os.OpenFile(r.lab.consolePath(machine), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, console.Close()) }()
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, r.processPath(machine)}, argv...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	cmd.Stdout, cmd.Stderr = console, console
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start machine %s: %w", machine, err)
	}
	// The machine outlives this process; if it ends before, it is reaped.
	go func() { _ = cmd.Wait() }()
	return nil
}
