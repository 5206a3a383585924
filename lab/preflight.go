package lab

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
)

// programs that the driver runs, with the Debian package of each.
func programs() map[string]string {
	return map[string]string{"systemd-nspawn": "systemd-container"}
}

var errNotRoot = errors.New("the lab makes network namespaces and mounts: run it as root")

// preflight looks at this computer before anything is made on it.
func preflight() (host, error) {
	if err := needRoot(); err != nil {
		return host{}, err
	}
	h, err := detectHost()
	if err != nil {
		return host{}, err
	}
	return h, errors.Join(h.fit(), need(programs()))
}

func needRoot() error {
	if os.Geteuid() != 0 {
		return errNotRoot
	}
	return nil
}

// need looks for programs, given with the Debian package of each.
func need(programs map[string]string) error {
	var faults []error
	for _, program := range slices.Sorted(maps.Keys(programs)) {
		if _, err := exec.LookPath(program); err != nil {
			faults = append(faults, fmt.Errorf("the lab needs the program %s: apt-get install %s", program, programs[program]))
		}
	}
	return errors.Join(faults...)
}
