package lab

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// This file and stock_keep.go are the only places in the lab that know what will
// run on its machines. What this computer cannot do is detected here, and made up for by
// files in the machine, beside kbm's own and never instead of them.

//go:embed quirks
var quirkFiles embed.FS

// host is what a machine inherits from this computer, good and bad.
type host struct {
	// cgroup1: the controllers are in version 1 hierarchies. The kubelet
	// refuses them unless told otherwise.
	cgroup1 bool
	// systemd is what could give each machine a control group of its own.
	systemd bool
	// noLowerOOM: processes cannot be made safer from the kernel's memory
	// killer, because CAP_SYS_RESOURCE is missing. containerd must be told, or
	// no container starts.
	noLowerOOM bool
	// modules is the folder of the kernel's modules, empty if there is none.
	modules string
}

func detectHost() (host, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return host{}, fmt.Errorf("capabilities of this computer: %w", err)
	}
	caps, err := boundingSet(string(status))
	if err != nil {
		return host{}, err
	}
	h := host{cgroup1: !unifiedCgroups(), noLowerOOM: caps&(1<<unix.CAP_SYS_RESOURCE) == 0}
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		h.systemd = true // the test that sd_booted(3) describes
	}
	if info, err := os.Stat("/lib/modules"); err == nil && info.IsDir() {
		h.modules = "/lib/modules"
	}
	return h, nil
}

// boundingSet reads the capabilities that a child can have at most from the
// content of a /proc/<pid>/status.
func boundingSet(status string) (uint64, error) {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			return strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		}
	}
	return 0, fmt.Errorf("capabilities of this computer: no CapBnd in /proc/self/status")
}

// quirks lists the files that a machine on this host needs, by the place where
// they land.
func (h host) quirks() []string {
	files := []string{
		"etc/kubernetes/kubelet.conf.d/80-lab-disk.conf",
		"usr/lib/systemd/system/kbm-lab-boot.service",
		"usr/libexec/kbm-lab-boot",
	}
	if h.cgroup1 {
		files = append(files,
			"etc/kubernetes/kubelet.conf.d/90-lab.conf",
			"usr/lib/systemd/system.conf.d/90-lab.conf",
		)
	}
	if h.noLowerOOM {
		files = append(files, "etc/containerd/conf.d/90-lab.toml")
	}
	return files
}

// writeQuirks puts them into a machine's root.
func (h host) writeQuirks(root string) error {
	for _, file := range h.quirks() {
		content, err := fs.ReadFile(quirkFiles, "quirks/"+file)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(file, "usr/libexec/") {
			mode = 0o755
		}
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, mode); err != nil {
			return err
		}
	}
	// In /usr, where a preset of the first boot does not undo it.
	wants := filepath.Join(root, "usr/lib/systemd/system/sysinit.target.wants/kbm-lab-boot.service")
	if err := os.Symlink("../kbm-lab-boot.service", wants); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// fit says whether the lab can give each machine control groups of its own.
func (h host) fit() error {
	if !h.cgroup1 && !h.systemd {
		return errors.New("this computer has control groups version 2, and systemd is not its first process, which would share them out: run the lab on the computer itself, not in a container")
	}
	return nil
}

// delegates: the host's systemd can give each machine a control group of its
// own, and systemd-nspawn asks it to unless it is told to stay where it is.
func (h host) delegates() bool { return h.systemd && !h.cgroup1 }
