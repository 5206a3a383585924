package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/atomicfile"
	"github.com/kbm-dev/kbm/pki"
)

// staging is where `kbm init` makes everything before it shows any of it. Its
// name is fixed, so that the next run clears what a killed one left.
const staging = ".kbm-init"

const ignoreFile = ".gitignore"

// ignored keeps secrets in plain out of git. What ends in .age is encrypted.
const ignored = `# kbm: nothing with a key in plain is committed. What ends in .age is encrypted.
/build/
/kubeconfig
.kbm*
/pki/**
!/pki/**/
!/pki/**/*.age
!/pki/**/*.crt
!/pki/**/*.pub
!/pki/recipients
`

// folderParts are the entries that init makes; cluster.yaml comes last, since
// its being there is what makes the folder a cluster's.
func folderParts() []string { return []string{cluster.NodesDir, pki.Dir, cluster.File} }

// refuseFolder keeps init from touching what is there.
func (a *app) refuseFolder() error {
	for _, part := range slices.Backward(folderParts()) {
		path := filepath.Join(a.dir, part)
		_, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return usageError(fmt.Errorf("the cluster's folder cannot be used: %w", err))
		case part == cluster.File:
			return usageError(fmt.Errorf("%s is already there; edit it (kbm render and kbm up follow), or make another cluster with --dir", path))
		default:
			return usageError(fmt.Errorf("%s is already there; move it away, or make the cluster elsewhere with --dir", path))
		}
	}
	return nil
}

// makeFolder makes the cluster's folder with what fill adds to it, and returns
// the entries made. On a fault it leaves the folder as it was.
func (a *app) makeFolder(c *cluster.Cluster, fill func(staged *cluster.Cluster) error) (made []string, err error) {
	undo := undoList{}
	defer func() {
		if err != nil {
			err = errors.Join(err, undo.run())
		}
	}()
	if err := undo.mkdirAll(a.dir); err != nil {
		return nil, usageError(fmt.Errorf("make the cluster's folder: %w", err))
	}
	stage := filepath.Join(a.dir, staging)
	if err := os.RemoveAll(stage); err != nil {
		return nil, err
	}
	if err := os.Mkdir(stage, 0o700); err != nil {
		return nil, usageError(fmt.Errorf("make the cluster's folder: %w", err))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	text, err := cluster.Print(c)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(stage, cluster.NodesDir), 0o755); err != nil {
		return nil, err
	}
	staged := c.WithDefaults()
	staged.Dir = stage
	if err := fill(staged); err != nil {
		return nil, err
	}
	if err := atomicfile.Write(filepath.Join(stage, cluster.File), text, 0o644); err != nil {
		return nil, err
	}
	if err := a.ignore(&undo); err != nil {
		return nil, err
	}
	for _, part := range folderParts() {
		path := filepath.Join(a.dir, part)
		if err := os.Rename(filepath.Join(stage, part), path); err != nil {
			return nil, err
		}
		undo.add(func() error { return os.RemoveAll(path) })
		made = append(made, part)
	}
	return append(made, ignoreFile), nil
}

// ignore writes .gitignore, or adds to the one that is there.
func (a *app) ignore(undo *undoList) error {
	path := filepath.Join(a.dir, ignoreFile)
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		undo.add(func() error { return os.Remove(path) })
		return atomicfile.Write(path, []byte(ignored), 0o644)
	case err != nil:
		return err
	case strings.Contains(string(old), ignored):
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	undo.add(func() error { return atomicfile.Write(path, old, info.Mode()) })
	return atomicfile.Write(path, []byte(strings.TrimRight(string(old), "\n")+"\n\n"+ignored), info.Mode())
}

// undoList takes back what was done, last first.
type undoList struct{ steps []func() error }

func (u *undoList) add(step func() error) { u.steps = append(u.steps, step) }

func (u *undoList) run() error {
	var all error
	for i := len(u.steps) - 1; i >= 0; i-- {
		all = errors.Join(all, u.steps[i]())
	}
	return all
}

// mkdirAll is os.MkdirAll that can be taken back.
func (u *undoList) mkdirAll(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := u.mkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	u.add(func() error { return os.Remove(dir) })
	return nil
}
