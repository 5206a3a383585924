// Package lab makes disposable machines on this computer: real systemd, sshd
// and first boot, on a network of their own that leads nowhere. It exists so
// that a newcomer, a CI job and kbm's own tests run kbm against the real
// thing: a machine starts as an installed but unconfigured system, and all
// that it learns it reads from the medium that is plugged in. The lab knows
// nothing of Kubernetes, except for the workarounds in quirks.go, and for the
// folders in stock_keep.go.
package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Where labs live: all of it can be deleted once their machines are down.
const (
	DefaultStateRoot = "/var/lib/kbm/lab"
	DefaultCacheDir  = "/var/cache/kbm/lab"
)

// Lab is a group of machines that share a network. The value is a name: it
// holds no resource, and two values with the same content are the same lab.
type Lab struct {
	// ID is short and unique on this computer: names of network namespaces,
	// machines and control groups are made from it.
	ID string
	// StateDir holds the machines' disks, logs and process records.
	StateDir string
}

var unsafeInName = regexp.MustCompile(`[^a-z0-9]+`)

// For names the lab of a cluster folder: the folder's base name, for people,
// and a hash of its absolute path, so that two checkouts never share machines.
func For(dir string) (Lab, error) { return forIn(DefaultStateRoot, dir) }

func forIn(stateRoot, dir string) (Lab, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Lab{}, fmt.Errorf("lab of %s: %w", dir, err)
	}
	// A folder that does not exist yet is named by its plain path.
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	base := strings.Trim(unsafeInName.ReplaceAllString(strings.ToLower(filepath.Base(abs)), "-"), "-")
	sum := sha256.Sum256([]byte(abs))
	id := hex.EncodeToString(sum[:4])
	if base != "" {
		id = strings.TrimRight(base[:min(len(base), 16)], "-") + "-" + id
	}
	return Lab{ID: id, StateDir: filepath.Join(stateRoot, id)}, nil
}

// Find gives the lab of a cluster folder, and whether it is up: whether Up was
// called and Down has not removed it since.
func Find(dir string) (Lab, bool) {
	l, err := For(dir)
	if err != nil {
		return Lab{}, false
	}
	return l, l.Exists()
}

// All gives every lab on this computer, half-made ones included.
func All(stateRoot string) ([]Lab, error) {
	dirs, err := os.ReadDir(stateRoot)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("labs of this computer: %w", err)
	}
	var labs []Lab
	for _, dir := range dirs {
		if dir.IsDir() {
			labs = append(labs, Lab{ID: dir.Name(), StateDir: filepath.Join(stateRoot, dir.Name())})
		}
	}
	return labs, nil
}

// Exists says whether the lab has been made.
func (l Lab) Exists() bool {
	_, err := os.Stat(l.recordPath())
	return !errors.Is(err, fs.ErrNotExist)
}

func (l Lab) recordPath() string            { return filepath.Join(l.StateDir, "lab.json") }
func (l Lab) machinesDir() string           { return filepath.Join(l.StateDir, "machines") }
func (l Lab) machineDir(name string) string { return filepath.Join(l.machinesDir(), name) }
func (l Lab) rootDir(name string) string    { return filepath.Join(l.StateDir, "roots", name) }

// outsideNetns is the namespace of the bridge: the machine that stands for the
// rest of the world.
func (l Lab) outsideNetns() string            { return "kbm-" + l.ID }
func (l Lab) machineNetns(name string) string { return "kbm-" + l.ID + "-" + name }

func (l Lab) consolePath(name string) string {
	return filepath.Join(l.machineDir(name), "console.log")
}
