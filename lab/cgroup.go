package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupRoot is where every distribution mounts the control groups.
const cgroupRoot = "/sys/fs/cgroup"

// unifiedCgroups says whether this computer has control groups version 2 only.
func unifiedCgroups() bool {
	var st unix.Statfs_t
	return unix.Statfs(cgroupRoot, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC
}

// cgroupDirs computes a machine's own group in each hierarchy, below the
// groups that this process is in: limits that hold for kbm hold for its
// machines. Without groups of their own all machines would share the host's,
// and two programs that manage them, each believing to be alone, would tear
// down each other's. Self is the content of /proc/self/cgroup. The version 2
// hierarchy beside those of version 1 counts, too: where it is mounted, systemd
// goes by it to find its place in its own. Hierarchies that the kernel lists
// but nobody mounted are left alone.
func cgroupDirs(root, self, group string, unified bool) []string {
	var dirs []string
	for line := range strings.Lines(self) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || unified && parts[1] != "" {
			continue
		}
		hierarchy := filepath.Join(root, strings.TrimPrefix(parts[1], "name="))
		if parts[1] == "" && !unified {
			hierarchy = filepath.Join(root, "unified")
		}
		if info, err := os.Stat(hierarchy); err == nil && info.IsDir() {
			dirs = append(dirs, filepath.Join(hierarchy, parts[2], group))
		}
	}
	return dirs
}

// makeCgroups makes groups of version 1 that processes can be put into.
func makeCgroups(dirs []string) error {
	for _, dir := range dirs {
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			err = fillCpuset(dir)
		}
		if err != nil {
			return fmt.Errorf("control group %s: %w", dir, err)
		}
	}
	return nil
}

// fillCpuset: a new cpuset is empty, and refuses processes as long as it is.
func fillCpuset(dir string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(filepath.Dir(dir), name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), value, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeCgroups ends what still runs in the groups and removes them, deepest
// first. A process that ended a moment ago keeps its group busy for a while.
func removeCgroups(ctx context.Context, dirs []string) error {
	for _, dir := range dirs {
		err := poll(ctx, 10*time.Millisecond, func() (bool, error) { return removeCgroup(dir) })
		if err != nil {
			return fmt.Errorf("remove control group %s: %w", dir, err)
		}
	}
	return nil
}

func removeCgroup(dir string) (gone bool, err error) {
	var groups []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			groups = append(groups, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return false, err
	}
	gone = true
	for _, group := range slices.Backward(groups) {
		if err := killCgroup(group); err != nil {
			return false, err
		}
		err := os.Remove(group)
		switch {
		case errors.Is(err, unix.EBUSY):
			gone = false
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return false, err
		}
	}
	return gone, nil
}

func killCgroup(dir string) error {
	procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for pid := range strings.FieldsSeq(string(procs)) {
		var p int
		if _, err := fmt.Sscan(pid, &p); err == nil && p > 0 {
			process{pid: p}.signal(unix.SIGKILL)
		}
	}
	return nil
}
