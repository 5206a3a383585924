package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// Identities gets the age identities that decrypt what is stored. It is called
// once, and only when something encrypted has to be read.
type Identities func() ([]age.Identity, error)

// Files is the Store in a cluster's folder: pki/, files 0600, folders 0700.
// With recipients, each private file NAME is only there as NAME.age; one file
// each keeps it legible (age -d reads it) and a change to one node small.
type Files struct {
	dir        string
	recipients []string
	encryptTo  []age.Recipient
	identities Identities
}

var _ Store = (*Files)(nil)

// NewFiles opens the store of a cluster. The folder need not exist.
// Identities may be nil where nothing is encrypted.
func NewFiles(c *cluster.Cluster, identities Identities) (*Files, error) {
	f := &Files{dir: filepath.Join(c.Dir, Dir), identities: onceIdentities(identities)}
	for _, text := range c.Secrets.Recipients {
		r, err := parseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("%s: secrets.recipients: %q: %w", cluster.File, text, err)
		}
		f.recipients = append(f.recipients, strings.TrimSpace(text))
		f.encryptTo = append(f.encryptTo, r)
	}
	return f, nil
}

func (f *Files) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// private says that a file must not be readable by others, by its name:
// whatever is not known to be public is private.
func private(name string) bool {
	ext := path.Ext(name)
	return ext != ".crt" && ext != ".pub" && name != recipientsFile
}

// Read returns a file, decrypted where it is encrypted.
func (f *Files) Read(name string) ([]byte, error) {
	content, err := f.readPlain(name)
	plain := err == nil
	if !private(name) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	sealed, sealedErr := os.ReadFile(f.path(name + sealedExt))
	switch {
	case sealedErr != nil && !errors.Is(sealedErr, fs.ErrNotExist):
		return nil, sealedErr
	case plain && len(f.encryptTo) > 0:
		return nil, fmt.Errorf("%s is not encrypted, though %s sets secrets.recipients: run kbm pki encrypt, or remove it where %s%s is there",
			f.path(name), cluster.File, path.Base(name), sealedExt)
	case plain || sealedErr != nil:
		return content, err
	case len(f.encryptTo) == 0:
		return nil, fmt.Errorf("%s is encrypted, though %s sets no secrets.recipients: set them again, or decrypt the private files with age -d and remove each %s",
			f.path(name+sealedExt), cluster.File, sealedExt)
	}
	return f.decrypt(name, sealed)
}

// readPlain refuses a private file that others can read, as ssh does.
func (f *Files) readPlain(name string) ([]byte, error) {
	full := f.path(name)
	if private(name) {
		info, err := os.Stat(full)
		if err != nil {
			return nil, err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			return nil, fmt.Errorf("%s may be read by others (mode %04o): run chmod -R go= %s", full, mode, f.dir)
		}
	}
	return os.ReadFile(full)
}

// Write encrypts what is private, then writes everything in one batch.
func (f *Files) Write(files ...File) error {
	files, err := f.encryptAll(files)
	if err != nil {
		return err
	}
	var batch atomicfile.Batch
	for _, file := range files {
		batch.Add(f.path(file.Path), file.Content, 0o600)
	}
	return batch.Commit()
}
