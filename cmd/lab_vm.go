package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/lab"
)

// vmFlags say what machines of a lab are; what is left out stays as it was.
type vmFlags struct {
	driver, image      string
	memory, cpus, disk int
}

func (f *vmFlags) add(c *cobra.Command) {
	standard := lab.DefaultVM()
	flags := c.Flags()
	flags.StringVar(&f.driver, "driver", "", "nspawn (containers) or qemu (virtual machines); as the lab is, or nspawn")
	flags.StringVar(&f.image, "image", "", "qemu: disk image of a system, raw or qcow2; it is only read")
	flags.IntVar(&f.memory, "memory", 0, fmt.Sprintf("qemu: memory of a machine in MiB (default %d)", standard.Memory))
	flags.IntVar(&f.cpus, "cpus", 0, fmt.Sprintf("qemu: processors of a machine (default %d)", standard.CPUs))
	flags.IntVar(&f.disk, "disk", 0, fmt.Sprintf("qemu: size of a new disk in GiB, at least the image's (default %d)", standard.Disk))
	completeWith(c, "driver", []string{string(lab.Nspawn), string(lab.QEMU)})
}

// firmwareTarget is what a virtual machine reads beside ISOs.
const firmwareTarget = "qemu-fw-cfg"

// orVirtual tells which driver can hand over what a container cannot read.
func orVirtual(target ignition.Target) string {
	if target.Name == firmwareTarget {
		return ", or start virtual machines, which read it: --driver qemu"
	}
	return ""
}

// choose gives what virtual machines are made of, nil for containers.
func (f vmFlags) choose(l lab.Lab) (*lab.VM, error) {
	before, made, err := l.VM()
	if err != nil {
		return nil, err
	}
	is := lab.Nspawn
	if before != nil {
		is = lab.QEMU
	}
	switch want := lab.Driver(cmp.Or(f.driver, string(is))); {
	case want != lab.Nspawn && want != lab.QEMU:
		return nil, fmt.Errorf("--driver %s: there are %s and %s", f.driver, lab.Nspawn, lab.QEMU)
	case made && want != is:
		return nil, fmt.Errorf("--driver %s: this lab's machines run with %s, and a lab has one driver: kbm lab down takes them away first", want, is)
	case want == lab.QEMU:
		return f.vm(before)
	}
	if f.image != "" || f.memory != 0 || f.cpus != 0 || f.disk != 0 {
		return nil, errors.New("--image, --memory, --cpus and --disk are for virtual machines: add --driver qemu")
	}
	return nil, nil
}

func (f vmFlags) vm(before *lab.VM) (*lab.VM, error) {
	vm := lab.DefaultVM()
	if before != nil {
		vm = *before
	}
	vm.Memory, vm.CPUs, vm.Disk = cmp.Or(f.memory, vm.Memory), cmp.Or(f.cpus, vm.CPUs), cmp.Or(f.disk, vm.Disk)
	if f.image != "" {
		path, err := filepath.Abs(f.image)
		if err != nil {
			return nil, err
		}
		vm.Image = path
	}
	if vm.Image == "" {
		return nil, errors.New("--driver qemu starts machines from the disk image of a system: name one with --image, such as the cloud image of Debian or Flatcar")
	}
	return &vm, vm.Check()
}
