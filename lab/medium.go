package lab

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"strings"

	"github.com/kbm-dev/kbm/ignition"
)

// drive is a place where a machine looks for its configuration. A medium with
// another label, or without those files, boots a machine that silently stays
// as it was.
type drive struct {
	label string
	// paths of what must be there; the first is the configuration.
	paths []string
	// seed is the folder in which cloud-init looks for the same files.
	seed string
}

// drives as Ignition's providers openstack and proxmoxve define them, and
// cloud-init's DataSourceConfigDrive and DataSourceNoCloud. Labels are compared
// in lower and in upper case, as they do.
func drives(cloudInit bool) []drive {
	if cloudInit {
		return []drive{
			{label: "config-2", paths: []string{"openstack/latest/user_data", "openstack/latest/meta_data.json"}, seed: "config_drive"},
			{label: "cidata", paths: []string{"user-data", "meta-data"}, seed: "nocloud"},
		}
	}
	return []drive{
		{label: "config-2", paths: []string{"openstack/latest/user_data"}},
		{label: "cidata", paths: []string{"user-data"}},
	}
}

// medium is what a machine finds when it is plugged in.
type medium struct {
	config []byte
	// files are the configuration and what lies beside it.
	files map[string][]byte
	seed  string
}

// readMedium reads an ISO as the machine does.
func readMedium(m Machine) (found medium, err error) {
	f, err := os.Open(m.ISO)
	if err != nil {
		return medium{}, fmt.Errorf("medium: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	label, files, err := ignition.ReadISO(f)
	if err != nil {
		return medium{}, fmt.Errorf("medium %s: %w", m.ISO, err)
	}
	found, err = mediumOf(label, files, m.CloudInit)
	if err != nil {
		return medium{}, fmt.Errorf("medium %s: %w", m.ISO, err)
	}
	return found, nil
}

func mediumOf(label string, files map[string][]byte, cloudInit bool) (medium, error) {
	for _, d := range drives(cloudInit) {
		if label != d.label && label != strings.ToUpper(d.label) {
			continue
		}
		for _, file := range d.paths {
			if _, ok := files[file]; !ok {
				return medium{}, fmt.Errorf("there is no %s: a machine that reads a drive labelled %s looks for it there", file, label)
			}
		}
		config := files[d.paths[0]]
		switch {
		case !cloudInit && bytes.HasPrefix(config, []byte("#cloud-config")):
			return medium{}, errors.New("it holds cloud-config, and this machine reads Ignition: choose an operating system that has cloud-init (debian, ubuntu)")
		case cloudInit && bytes.HasPrefix(config, []byte("{")):
			return medium{}, errors.New("it holds Ignition, and this machine reads cloud-config: choose an operating system that has Ignition (flatcar, fcos)")
		}
		return medium{config: config, files: beside(d.paths[0], files), seed: d.seed}, nil
	}
	return medium{}, fmt.Errorf("its label is %q, and no machine would read it: want config-2 or cidata", label)
}

func beside(name string, files map[string][]byte) map[string][]byte {
	near := maps.Clone(files)
	maps.DeleteFunc(near, func(other string, _ []byte) bool { return path.Dir(other) != path.Dir(name) })
	return near
}
