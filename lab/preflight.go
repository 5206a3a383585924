package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// programs that the driver runs, with the Debian package of each.
func programs() map[string]string {
	return map[string]string{"systemd-nspawn": "systemd-container"}
}

var errNotRoot = errors.New("the lab makes network namespaces and mounts: run it as root")

// preflight looks at this computer before anything is made on it.
func preflight() (host, error) {
	if os.Geteuid() != 0 {
		return host{}, errNotRoot
	}
	h, err := detectHost()
	if err != nil {
		return host{}, err
	}
	faults := []error{h.fit()}
	for program, pkg := range programs() {
		if _, err := exec.LookPath(program); err != nil {
			faults = append(faults, fmt.Errorf("the lab needs the program %s: apt-get install %s", program, pkg))
		}
	}
	return h, errors.Join(faults...)
}
