package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/kbm-dev/kbm/ignition"
)

// drive is a place where Ignition looks for its config. A medium with another
// label, or without that file, boots a machine that silently stays as it was.
type drive struct {
	label, path string
}

// drives as Ignition's providers openstack and proxmoxve define them. Labels
// are compared in lower and in upper case, as they do.
func drives() []drive {
	return []drive{
		{label: "config-2", path: "openstack/latest/user_data"},
		{label: "cidata", path: "user-data"},
	}
}

// readMedium gives the Ignition config on an ISO, as a machine finds it.
func readMedium(path string) (config []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("medium: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	label, files, err := ignition.ReadISO(f)
	if err != nil {
		return nil, fmt.Errorf("medium %s: %w", path, err)
	}
	config, err = configOn(label, files)
	if err != nil {
		return nil, fmt.Errorf("medium %s: %w", path, err)
	}
	return config, nil
}

func configOn(label string, files map[string][]byte) ([]byte, error) {
	for _, d := range drives() {
		if label != d.label && label != strings.ToUpper(d.label) {
			continue
		}
		config, ok := files[d.path]
		switch {
		case !ok:
			return nil, fmt.Errorf("there is no %s: a machine that reads a drive labelled %s looks for its config there", d.path, label)
		case bytes.HasPrefix(config, []byte("#cloud-config")):
			return nil, errors.New("it holds cloud-config: the lab's machines read Ignition, so choose an operating system that does (flatcar, fcos)")
		}
		return config, nil
	}
	return nil, fmt.Errorf("its label is %q, and no machine would read it: want config-2 or cidata", label)
}
