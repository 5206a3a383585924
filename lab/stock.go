package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kbm-dev/kbm/bundle"
)

// Stock is what machines can begin with instead of receiving it: the programs
// and images of one bundle, as they lie on a machine's disk, and the images as
// containerd has unpacked them. Nothing else is in it: no configuration, no
// name, no key. What is in its folder is never changed, because machines run
// from it.
type Stock struct {
	Path string `json:"path"`
	// Bytes is what it takes of the disk.
	Bytes int64 `json:"bytes"`
}

// ErrNoStock says that nothing was kept of a bundle yet.
var ErrNoStock = errors.New("there is no stock of this bundle")

// root is what lies below the machine's / as a layer of its own. shared is the
// part of containerd's folder that containerd only ever adds to and removes
// from: machines have links to the same files. own is the rest, which each
// machine has to have for itself.
func (s Stock) root() string   { return filepath.Join(s.Path, "root") }
func (s Stock) shared() string { return filepath.Join(s.Path, "shared") }
func (s Stock) own() string    { return filepath.Join(s.Path, "own") }
func (s Stock) record() string { return filepath.Join(s.Path, "stock.json") }

// stockLayout changes whenever a stock is laid out differently.
const stockLayout = "1"

// stockPath names a stock by all that it holds, so that no other bundle finds it.
func stockPath(cacheDir string, m bundle.Manifest) string {
	sum := sha256.New()
	_, _ = fmt.Fprintln(sum, stockLayout, m.Kubernetes, m.OS, m.Arch)
	for _, a := range m.Artefacts {
		_, _ = fmt.Fprintln(sum, a.Name, a.Path, a.SHA256)
	}
	return filepath.Join(cacheDir, "stock-"+hex.EncodeToString(sum.Sum(nil)[:6]))
}

// FindStock gives the stock of a bundle, or ErrNoStock.
func FindStock(cacheDir string, m bundle.Manifest) (Stock, error) {
	s := Stock{Path: stockPath(cacheDir, m)}
	content, err := os.ReadFile(s.record())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, ErrNoStock
	case errors.Is(err, fs.ErrPermission):
		return s, errNotRoot
	case err == nil:
		err = json.Unmarshal(content, &s)
	}
	if err != nil {
		return s, fmt.Errorf("stock %s: %w", s.Path, err)
	}
	return s, nil
}

// lockStocks keeps others from making, replacing or choosing a stock.
func lockStocks(ctx context.Context, cacheDir string) (*os.File, error) {
	return awaitLock(ctx, filepath.Join(cacheDir, "stock.lock"), func(Event) {})
}

// users are the machines on this computer that run from the stock.
func (s Stock) users(stateRoot string) (users []string, err error) {
	labs, err := All(stateRoot)
	if err != nil {
		return nil, err
	}
	for _, l := range labs {
		names, err := l.Names()
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			path, err := disk{dir: l.machineDir(name)}.stockPath()
			if err != nil {
				return nil, err
			}
			if path == s.Path {
				users = append(users, name+" of lab "+l.ID)
			}
		}
	}
	return users, nil
}

// unused is an error where machines run from the stock. The caller holds the lock.
func (s Stock) unused(stateRoot string) error {
	users, err := s.users(stateRoot)
	if err == nil && len(users) > 0 {
		err = fmt.Errorf("%s run from it, and it can only be replaced when they are gone: take them down first", strings.Join(users, ", "))
	}
	return err
}
