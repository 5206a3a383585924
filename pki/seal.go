package pki

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// recipientsFile records whom the private files are encrypted to: age files do
// not tell, and a changed list has to encrypt everything again.
const recipientsFile = "recipients"

// leftover is what a killed atomicfile.Batch leaves behind.
var leftover = regexp.MustCompile(`^\..+\.[0-9]+$`)

// Seal encrypts every private file when secrets.recipients is not what the
// folder was last encrypted to.
func (f *Files) Seal() ([]Change, error) {
	record, err := readFile(f.path(recipientsFile))
	if err != nil {
		return nil, err
	}
	switch {
	case string(record) == f.record():
		return nil, nil
	case len(f.encryptTo) == 0:
		return nil, fmt.Errorf("%s is encrypted, though %s sets no secrets.recipients: set them again, or decrypt the private files with age -d and remove the .age files and %s",
			f.dir, cluster.File, f.path(recipientsFile))
	}
	return f.Encrypt()
}

// Encrypt encrypts every private file below the folder, of nodes too that are
// no longer in the spec, to the recipients of now. Plaintext goes only once
// everything encrypted is in place, and the record comes last: a crash at any
// point is carried on by the next call.
func (f *Files) Encrypt() ([]Change, error) {
	if len(f.encryptTo) == 0 {
		return nil, fmt.Errorf("%s sets no secrets.recipients: set them first", cluster.File)
	}
	plain, sealed, err := f.walk()
	if err != nil {
		return nil, err
	}
	names := slices.Concat(plain, sealed)
	slices.Sort(names)
	var files []File
	var changes []Change
	for _, name := range slices.Compact(names) {
		content, err := f.either(name)
		if err != nil {
			return nil, err
		}
		files = append(files, File{name, content})
		changes = append(changes, Change{Path: shown(name + sealedExt), Why: "encrypted to secrets.recipients"})
	}
	if err := f.Write(files...); err != nil {
		return nil, err
	}
	for _, name := range plain {
		if err := os.Remove(f.path(name)); err != nil {
			return nil, err
		}
	}
	return changes, atomicfile.Write(f.path(recipientsFile), []byte(f.record()), 0o600)
}

func (f *Files) record() string {
	if len(f.recipients) == 0 {
		return ""
	}
	return strings.Join(slices.Sorted(slices.Values(f.recipients)), "\n") + "\n"
}

// walk lists the private files that are there in plain and those that are
// encrypted, both by their plain names, and removes what a crash left.
func (f *Files) walk() (plain, sealed []string, err error) {
	err = fs.WalkDir(os.DirFS(f.dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == ".":
			return nil
		case err != nil || !d.Type().IsRegular():
			return err
		case leftover.MatchString(d.Name()):
			return os.Remove(f.path(name))
		case strings.HasSuffix(name, sealedExt):
			sealed = append(sealed, strings.TrimSuffix(name, sealedExt))
			return nil
		}
		content, err := os.ReadFile(f.path(name))
		if path.Ext(name) == ".key" || bytes.Contains(content, []byte("PRIVATE KEY-----")) {
			plain = append(plain, name)
		}
		return err
	})
	return plain, sealed, err
}

// either reads a private file in whichever form it has. In both forms it was
// caught by a crash while being encrypted, or somebody put it back: then the
// two must agree, for kbm cannot know which one the cluster runs with.
func (f *Files) either(name string) ([]byte, error) {
	plain, err := readFile(f.path(name))
	if err != nil {
		return nil, err
	}
	sealed, err := readFile(f.path(name + sealedExt))
	if err != nil || sealed == nil {
		return plain, err
	}
	content, err := f.decrypt(name, sealed)
	if err == nil && plain != nil && !bytes.Equal(plain, content) {
		return nil, fmt.Errorf("%s and %s%s differ: remove the one that is wrong", f.path(name), filepath.Base(name), sealedExt)
	}
	return content, err
}
