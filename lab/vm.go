package lab

import (
	"errors"
	"fmt"
)

// VM says what virtual machines are made of.
type VM struct {
	// Image is the absolute path of the disk image that each machine's own disk
	// starts from. It is only read.
	Image string `json:"image"`
	// Memory of a machine, in MiB.
	Memory int `json:"memory"`
	CPUs   int `json:"cpus"`
	// Disk is the size of a machine's disk in GiB, if the image's is not larger.
	Disk int `json:"disk"`
}

// DefaultVM holds a node of Kubernetes with some work to do. What it does not
// use costs nothing.
func DefaultVM() VM { return VM{Memory: 2048, CPUs: 2, Disk: 20} }

// leastMemory is what a cloud image needs to get as far as sshd, in MiB.
const leastMemory = 512

// Check reports every fault at once.
func (v VM) Check() error {
	var faults []error
	if v.Image == "" {
		faults = append(faults, errors.New("virtual machines start from the image of a disk, and none is named"))
	}
	if v.Memory < leastMemory {
		faults = append(faults, fmt.Errorf("%d MiB of memory do not start a machine: want %d or more", v.Memory, leastMemory))
	}
	if v.CPUs < 1 || v.CPUs > 255 {
		faults = append(faults, fmt.Errorf("a machine with %d processors: want 1 to 255", v.CPUs))
	}
	if v.Disk < 1 {
		faults = append(faults, fmt.Errorf("a disk of %d GiB: want 1 or more", v.Disk))
	}
	return errors.Join(faults...)
}

// VM gives what the lab's machines are made of, nil if they are no virtual
// ones, and whether there is a lab at all.
func (l Lab) VM() (vm *VM, made bool, err error) {
	r, made, err := l.read()
	return r.VM, made, err
}
