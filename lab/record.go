package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// record is lab.json: what the other verbs know of a lab.
type record struct {
	Gateway string `json:"gateway"`
	// VM is set if the machines are virtual ones.
	VM *VM `json:"vm,omitempty"`
}

// read gives the record, and whether there is one.
func (l Lab) read() (r record, made bool, err error) {
	content, err := os.ReadFile(l.recordPath())
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		return r, true, fmt.Errorf("lab %s: %w", l.ID, err)
	}
	return r, true, nil
}

// letGo is how long a lock may outlive a kbm that was killed while it started a
// program: until that program runs, it has the file open as well.
const letGo = 3 * time.Second

// lock keeps a second kbm from changing the same lab at the same time.
func (l Lab) lock(ctx context.Context) (unlock func() error, err error) {
	if err := os.MkdirAll(l.StateDir, 0o755); err != nil {
		return nil, fmt.Errorf("lab %s: %w", l.ID, err)
	}
	var f *os.File
	deadline := time.Now().Add(letGo)
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) {
		var err error
		f, err = tryLock(filepath.Join(l.StateDir, "lock"))
		if errors.Is(err, ErrLocked) && time.Now().Before(deadline) {
			return false, nil
		}
		return err == nil, err
	})
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
	err := add(l.recordPath(), record{Gateway: spec.Gateway.String(), VM: spec.VM})
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
