package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// limits are the switches of this computer that all its machines share with it,
// and that are too low for more than two of them: systemd, containerd and
// kubelets each watch files, and the kernel counts for a user, root here, over
// all containers. Without this a machine hangs in the middle of its boot.
func limits() map[string]int {
	return map[string]int{
		"fs/inotify/max_user_instances": 8192,
		"fs/inotify/max_user_watches":   524288,
	}
}

// limitsRecord keeps what the limits were before the first lab raised them.
const limitsRecord = "limits.json"

// raiseLimits raises what is too low, and writes down first what it was.
func raiseLimits(ctx context.Context, sys, stateRoot string) error {
	return withLimits(ctx, stateRoot, func(before map[string]int, save func() error) error {
		raise := map[string]int{}
		for name, want := range limits() {
			now, err := readLimit(sys, name)
			if err != nil {
				return err
			}
			if now < want {
				raise[name] = want
				if _, recorded := before[name]; !recorded {
					before[name] = now
				}
			}
		}
		if len(raise) == 0 {
			return nil
		}
		return errors.Join(save(), writeLimits(sys, raise))
	})
}

// restoreLimits undoes raiseLimits, except where somebody has set another
// value since.
func restoreLimits(ctx context.Context, sys, stateRoot string) error {
	if _, err := os.Stat(filepath.Join(stateRoot, limitsRecord)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return withLimits(ctx, stateRoot, func(before map[string]int, _ func() error) error {
		for name := range before {
			now, err := readLimit(sys, name)
			if err != nil {
				return err
			}
			if now != limits()[name] {
				delete(before, name)
			}
		}
		if err := writeLimits(sys, before); err != nil {
			return err
		}
		return os.Remove(filepath.Join(stateRoot, limitsRecord))
	})
}

// withLimits holds the lock on the record, which all labs share.
func withLimits(ctx context.Context, stateRoot string, do func(before map[string]int, save func() error) error) (err error) {
	path := filepath.Join(stateRoot, limitsRecord)
	var file *os.File
	ctx, cancel := context.WithTimeout(ctx, reaction)
	defer cancel()
	err = poll(ctx, 10*time.Millisecond, func() (bool, error) {
		file, err = tryLock(path)
		if errors.Is(err, ErrLocked) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("limits of this computer: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before := map[string]int{}
	// Empty, or cut short by a kill before anything was raised.
	if json.Unmarshal(content, &before) != nil {
		before = map[string]int{}
	}
	return do(before, func() error {
		content, err := json.Marshal(before)
		if err != nil {
			return err
		}
		return os.WriteFile(path, append(content, '\n'), 0o600)
	})
}

func readLimit(sys, name string) (int, error) {
	content, err := os.ReadFile(filepath.Join(sys, name))
	if err != nil {
		return 0, fmt.Errorf("limit of this computer: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(string(content)))
}

func writeLimits(sys string, values map[string]int) error {
	for name, value := range values {
		if err := os.WriteFile(filepath.Join(sys, name), []byte(strconv.Itoa(value)), 0); err != nil {
			return fmt.Errorf("limit of this computer: %w", err)
		}
	}
	return nil
}
