package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/kbm-dev/kbm/bundle"
)

// kept are the folders of a machine in which kbm puts what is in a bundle, below /.
func kept() []string { return []string{"opt/bin", "opt/cni", "usr/local/bin", "var/lib/kbm/images"} }

const (
	containerdDir = "/var/lib/containerd"
	// introspection is where containerd keeps an identity of its own.
	introspection = "io.containerd.grpc.v1.introspection"
)

// neverChanged are the parts of containerd's folder that machines may share:
// blobs bear the sum of their content for a name, and the snapshots of images
// are the lower layers of all that runs.
func neverChanged() []string {
	return []string{"io.containerd.content.v1.content/blobs", "io.containerd.snapshotter.v1.overlayfs/snapshots"}
}

// KeepStock makes the stock of a bundle from what a running machine holds of it,
// in place of an earlier one. The machine's containerd must not run meanwhile.
func (l Lab) KeepStock(ctx context.Context, cacheDir, machine string, m bundle.Manifest) (s Stock, err error) {
	p, running := rack{l}.process(machine)
	if !running {
		return s, fmt.Errorf("the machine %s is not running, and a stock is made from one that is", machine)
	}
	lock, err := lockStocks(ctx, cacheDir)
	if err != nil {
		return s, fmt.Errorf("stock: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	s.Path = stockPath(cacheDir, m)
	if err := s.unused(filepath.Dir(l.StateDir)); err != nil {
		return s, fmt.Errorf("stock %s: %w", s.Path, err)
	}
	// The machine's disk is mounted in its own view of the mounts alone.
	root := filepath.Join("/proc", fmt.Sprint(p.pid), "root", l.rootDir(machine))
	s, err = s.replace(func(half Stock) (Stock, error) {
		plain := disk{dir: l.machineDir(machine)}.plain(containerdDir)
		return half.fill(ctx, root, plain, m)
	})
	if err != nil {
		return s, fmt.Errorf("make a stock of machine %s: %w", machine, err)
	}
	return s, nil
}

// replace gives the stock its name only when it is whole.
func (s Stock) replace(fill func(half Stock) (Stock, error)) (Stock, error) {
	half := Stock{Path: s.Path + ".partial"}
	if err := os.RemoveAll(half.Path); err != nil {
		return s, err
	}
	for _, dir := range []string{half.root(), half.shared(), half.own()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return s, err
		}
	}
	half, err := fill(half)
	if err != nil {
		return s, errors.Join(err, os.RemoveAll(half.Path))
	}
	s.Bytes = half.Bytes
	record, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return s, err
	}
	if err := os.WriteFile(half.record(), append(record, '\n'), 0o644); err != nil {
		return s, err
	}
	if err := syncAll(half.Path); err != nil {
		return s, err
	}
	// Without its record an older one is none, however much of it is left.
	for _, path := range []string{s.record(), s.Path} {
		if err := os.RemoveAll(path); err != nil {
			return s, err
		}
	}
	return s, os.Rename(half.Path, s.Path)
}

// fill copies what lies below the machine's root, and its containerd's folder.
func (s Stock) fill(ctx context.Context, root, containerd string, m bundle.Manifest) (Stock, error) {
	var there []string
	for _, dir := range kept() {
		if _, err := os.Stat(filepath.Join(root, dir)); err == nil {
			there = append(there, dir)
		}
	}
	// With all folders that they lie in: a layer's are what the machine sees.
	if len(there) > 0 {
		if err := copyTree(ctx, root, s.root(), append([]string{"--parents", "--"}, there...)...); err != nil {
			return s, err
		}
	}
	if err := s.keepOnly(m); err != nil {
		return s, err
	}
	if err := copyTree(ctx, containerd, s.own(), "--", "."); err != nil {
		return s, err
	}
	if err := os.RemoveAll(filepath.Join(s.own(), introspection)); err != nil {
		return s, err
	}
	for _, dir := range neverChanged() {
		to := filepath.Join(s.shared(), dir)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return s, err
		}
		if err := os.Rename(filepath.Join(s.own(), dir), to); err != nil {
			return s, err
		}
	}
	err := filepath.WalkDir(s.Path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st, err := statOf(info)
		if err == nil {
			s.Bytes += st.Blocks * 512 // stat(2) counts in these, whatever the disk does
		}
		return err
	})
	return s, err
}

// copyTree copies paths below from into the folder to, with all that a file can
// have: owners, modes, times, extended attributes, links among them.
func copyTree(ctx context.Context, from, to string, args ...string) error {
	cmd := exec.CommandContext(ctx, "cp", append([]string{"--archive", "--reflink=auto", "--target-directory=" + to}, args...)...)
	cmd.Dir = from
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("copy %s to %s: %w: %s", from, to, err, strings.TrimSpace(said.String()))
	}
	return nil
}

// syncAll brings a stock to the disk before it gets its name: unlike a machine,
// it is there for longer than until this computer crashes.
func syncAll(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(dir.Fd())), dir.Close())
}
