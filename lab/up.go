package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// Event is one thing that happened to one machine, or to the lab itself where
// Machine is empty.
type Event struct {
	Machine string
	Step    string
	// Detail is what there is to say about the step, in one line.
	Detail string
	// Done ends the step.
	Done bool
}

// Progress receives events; it may be called from several goroutines.
type Progress func(Event)

// bootDeadline is far above the seconds that a boot takes, because a first
// lab is often brought up while the computer is busy building the rest.
const bootDeadline = 90 * time.Second

// record is lab.json: what the other verbs know of a lab.
type record struct {
	Gateway string `json:"gateway"`
}

// Up makes the lab's network and switches on every machine of the spec that is
// not running, all at once. It returns when each machine's sshd answers. A
// machine whose disk is new reads its medium first.
func (l Lab) Up(ctx context.Context, spec Spec, progress Progress) error {
	if err := preflight(); err != nil {
		return err
	}
	spec, err := spec.complete(l.ID)
	if err != nil {
		return err
	}
	host, err := detectHost()
	if err != nil {
		return err
	}
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	if err := l.write(spec); err != nil {
		return errors.Join(err, unlock())
	}
	if err := l.ensureOutside(spec.Gateway); err != nil {
		return errors.Join(err, unlock())
	}
	d := nspawn{lab: l, host: host, base: spec.Base, ignition: spec.Ignition}
	return errors.Join(l.switchOn(ctx, d, spec.Machines, progress), unlock())
}

func (l Lab) switchOn(ctx context.Context, d driver, machines []Machine, progress Progress) error {
	faults := make([]error, len(machines))
	var all sync.WaitGroup
	for i, m := range machines {
		all.Go(func() {
			if d.Running(m.Name) == 0 {
				progress(Event{Machine: m.Name, Step: "boot"})
				if faults[i] = d.Start(ctx, m); faults[i] != nil {
					return
				}
			}
			if faults[i] = l.awaitSSH(ctx, d, m); faults[i] == nil {
				progress(Event{Machine: m.Name, Step: "boot", Detail: "sshd answers at " + m.sshAddress(), Done: true})
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}

// awaitSSH waits for the first bytes of sshd's greeting, which it sends
// without being asked.
func (l Lab) awaitSSH(ctx context.Context, d driver, m Machine) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bootDeadline, fmt.Errorf("no SSH at %s within %s", m.sshAddress(), bootDeadline))
	defer cancel()
	switchedOn := time.Now()
	err := poll(ctx, 50*time.Millisecond, func() (bool, error) {
		if l.sshAnswers(ctx, m) {
			return true, nil
		}
		// The supervisor's record comes a moment after its start.
		if d.Running(m.Name) == 0 && time.Since(switchedOn) > time.Second {
			return false, errors.New("it went off while starting")
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("machine %s: %w; the end of its console:\n%s", m.Name, err, l.consoleTail(m.Name))
	}
	return nil
}

func (l Lab) sshAnswers(ctx context.Context, m Machine) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := l.Dial(ctx, "tcp", m.sshAddress())
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetReadDeadline(deadline); err != nil {
		return false
	}
	greeting := make([]byte, len("SSH-"))
	n, err := conn.Read(greeting)
	return err == nil && string(greeting[:n]) == "SSH-"
}

// consoleTail gives the last lines of a machine's console.
func (l Lab) consoleTail(machine string) string {
	console, err := os.ReadFile(l.consolePath(machine))
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(console), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}

// lock keeps a second kbm from changing the same lab at the same time.
func (l Lab) lock() (unlock func() error, err error) {
	if err := os.MkdirAll(l.StateDir, 0o755); err != nil {
		return nil, fmt.Errorf("lab %s: %w", l.ID, err)
	}
	f, err := tryLock(filepath.Join(l.StateDir, "lock"))
	if errors.Is(err, ErrLocked) {
		return nil, fmt.Errorf("lab %s: another kbm is bringing it up or down: wait for that one: %w", l.ID, ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", l.ID, err)
	}
	return f.Close, nil
}

// write records the lab and its machines. Machines of an earlier spec stay
// recorded until they are taken down.
func (l Lab) write(spec Spec) error {
	// Closed, because the machines' disks hold keys.
	if err := os.MkdirAll(l.machinesDir(), 0o700); err != nil {
		return fmt.Errorf("lab %s: %w", l.ID, err)
	}
	var batch atomicfile.Batch
	add := func(path string, v any) error {
		content, err := json.MarshalIndent(v, "", "  ")
		if err == nil {
			batch.Add(path, append(content, '\n'), 0o644)
		}
		return err
	}
	err := add(l.recordPath(), record{Gateway: spec.Gateway.String()})
	for _, m := range spec.Machines {
		err = errors.Join(err, add(l.machinePath(m.Name), m))
	}
	if err := errors.Join(err, batch.Commit()); err != nil {
		return fmt.Errorf("lab %s: %w", l.ID, err)
	}
	return nil
}

func (l Lab) machinePath(name string) string {
	return filepath.Join(l.machineDir(name), "machine.json")
}
