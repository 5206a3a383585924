package lab

import (
	"errors"
	"os"
	"path/filepath"
)

// seeds is where cloud-init looks for what a drive would hold.
const seeds = "var/lib/cloud/seed"

// plant puts the medium's files where cloud-init, which runs when the machine
// boots, looks for them: a container has no drives, and cloud-init looks for
// none there. From that folder on everything is cloud-init's own doing.
func (m medium) plant(root string) error {
	dir := filepath.Join(root, seeds, m.seed)
	// A medium may hold keys, which other users of a machine cannot mount.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, content := range m.files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			return err
		}
	}
	return nil
}
