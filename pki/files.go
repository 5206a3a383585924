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
	plain, err := f.readPlain(name)
	if err != nil || !private(name) {
		return plain, err
	}
	sealed, err := readFile(f.path(name + sealedExt))
	switch {
	case err != nil:
		return nil, err
	case plain != nil && len(f.encryptTo) > 0:
		return nil, fmt.Errorf("%s is not encrypted, though %s sets secrets.recipients: run kbm pki encrypt, or remove it where %s%s is there",
			f.path(name), cluster.File, path.Base(name), sealedExt)
	case plain != nil || sealed == nil:
		return plain, nil
	case len(f.encryptTo) == 0:
		return nil, fmt.Errorf("%s is encrypted, though %s sets no secrets.recipients: set them again, or decrypt the private files with age -d and remove each %s",
			f.path(name+sealedExt), cluster.File, sealedExt)
	}
	return f.decrypt(name, sealed)
}

// readPlain refuses a private file that others can read, as ssh does.
func (f *Files) readPlain(name string) ([]byte, error) {
	full := f.path(name)
	content, err := readFile(full)
	if content == nil || !private(name) {
		return content, err
	}
	info, err := os.Stat(full)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others (mode %04o): run chmod -R go= %s", full, mode, f.dir)
	}
	return content, nil
}

// readFile is os.ReadFile with nil for what is not there; what is empty is not nil.
func readFile(name string) ([]byte, error) {
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
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
