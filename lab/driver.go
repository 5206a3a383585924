package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Driver names a way to run machines. A lab has one.
type Driver string

// The drivers.
const (
	Nspawn Driver = "nspawn"
	QEMU   Driver = "qemu"
)

// driver is a way to run machines. A machine that is not running keeps its
// disk, as one does whose power was cut.
type driver interface {
	// Start plugs in the medium if the disk is new, and switches on.
	Start(ctx context.Context, m Machine) error
	// Running gives the process that is the machine, 0 if it is off.
	Running(machine string) (pid int)
	// Stop cuts the power, and leaves nothing running or mounted.
	Stop(ctx context.Context, machine string) error
}

// Driver is the one that the spec asks for.
func (s Spec) Driver() Driver {
	if s.VM != nil {
		return QEMU
	}
	return Nspawn
}

// starter gives the driver of a spec, and how long a machine may take to boot.
// It looks at this computer before anything is made on it.
func (l Lab) starter(ctx context.Context, spec Spec, progress Progress) (driver, time.Duration, error) {
	if spec.Driver() == QEMU {
		return l.newQEMU(ctx, *spec.VM, spec.Machines, progress)
	}
	host, err := preflight()
	return nspawn{rack: rack{l}, host: host, base: spec.Base, cloudBase: spec.CloudBase, ignition: spec.Ignition, stock: spec.Stock}, bootDeadline, err
}

// stopper gives the driver of the lab as it was recorded.
func (l Lab) stopper() (driver, error) {
	r, _, err := l.read()
	if err != nil {
		return nil, err
	}
	if r.VM != nil {
		return qemu{rack: rack{l}}, needRoot()
	}
	host, err := preflight()
	return nspawn{rack: rack{l}, host: host}, err
}

// ErrOtherDriver says that the lab's machines run with another driver.
var ErrOtherDriver = errors.New("a lab has one driver")

func (l Lab) sameDriver(spec Spec) error {
	r, made, err := l.read()
	if have := (Spec{VM: r.VM}).Driver(); err == nil && made && have != spec.Driver() {
		return fmt.Errorf("the machines of lab %s run with %s, not with %s: take them down first, or leave the driver as it is: %w", l.ID, have, spec.Driver(), ErrOtherDriver)
	}
	return err
}
