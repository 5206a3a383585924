package lab

import "context"

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
