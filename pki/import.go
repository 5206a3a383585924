package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Import takes the roots of a cluster that kubeadm made from its
// /etc/kubernetes/pki: the three CAs and the service account's key. Each must
// be a whole and valid pair; all are taken or none. Without overwrite it
// refuses to replace a root that differs. It returns what it wrote; Ensure
// then reissues what the old roots had signed.
func Import(store Store, from fs.FS, overwrite bool, now time.Time) ([]Change, error) {
	if _, err := store.Seal(); err != nil {
		return nil, err
	}
	source := imported{from}
	b := &batch{}
	var taken []string
	keep := func(at string, files ...File) error {
		same, there, err := compare(store, files)
		switch {
		case err != nil || same:
			return err
		case there:
			taken = append(taken, shown(at))
		}
		b.add("imported", files...)
		return nil
	}
	for _, p := range roots(nil) {
		at := base(p.name, "")
		pair, err := source.pair(at+".crt", at+".key")
		if err != nil {
			return nil, err
		}
		if _, err := checkCA(pair, now); err != nil {
			return nil, fmt.Errorf("import %s.crt: %w", at, err)
		}
		if err := keep(at+".crt", File{at + ".key", pair.Key}, File{at + ".crt", pair.Cert}); err != nil {
			return nil, err
		}
	}
	sa, err := source.pair(saPub, saKey)
	if err != nil {
		return nil, err
	}
	if _, err := checkServiceAccount(sa); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	if err := keep(saKey, File{saKey, sa.Key}, File{saPub, sa.Cert}); err != nil {
		return nil, err
	}
	if len(taken) > 0 && !overwrite {
		return nil, &DiffersError{Paths: taken}
	}
	if len(b.files) == 0 {
		return nil, nil
	}
	return b.changes, store.Write(b.files...)
}

// DiffersError says that an import would replace roots that are in use.
type DiffersError struct{ Paths []string }

func (e *DiffersError) Error() string {
	return strings.Join(e.Paths, ", ") + ": there already, and different: nodes that trust the old would be cut off"
}

// imported is the folder that is imported from.
type imported struct{ fs.FS }

func (i imported) pair(cert, key string) (Pair, error) {
	var p Pair
	var err error
	if p.Cert, err = i.read(cert); err != nil {
		return p, err
	}
	p.Key, err = i.read(key)
	return p, err
}

func (i imported) read(name string) ([]byte, error) {
	content, err := fs.ReadFile(i.FS, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("import %s: it is missing; all of ca, front-proxy-ca, etcd/ca (.crt and .key), sa.key and sa.pub are needed, as in kubeadm's /etc/kubernetes/pki", name)
	}
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", name, err)
	}
	return content, nil
}

// compare says whether all files are stored already as they are, and whether
// any of them is stored at all.
func compare(store Store, files []File) (same, there bool, err error) {
	same = true
	for _, f := range files {
		old, err := store.Read(f.Path)
		if err != nil {
			return false, false, err
		}
		same = same && slices.Equal(old, f.Content)
		there = there || old != nil
	}
	return same, there, nil
}
