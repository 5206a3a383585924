package lab

import (
	"context"
	"os"
)

// firstBoot is what happens to a fresh disk, mounted at root, before the system
// on it starts. Held is open in all that runs for it.
type firstBoot func(ctx context.Context, root string, held *os.File) error

// firstBootOf looks at the machine's medium before anything is made for it.
func (n nspawn) firstBootOf(m Machine) (firstBoot, error) {
	if m.Owner != nil {
		return func(ctx context.Context, root string, held *os.File) error {
			return m.Owner.setUp(ctx, m, root, held)
		}, nil
	}
	found, err := readMedium(m)
	if err != nil {
		return nil, err
	}
	if m.CloudInit {
		return func(_ context.Context, root string, _ *os.File) error { return found.plant(root) }, nil
	}
	return func(ctx context.Context, root string, held *os.File) error {
		return runIgnition(ctx, n.ignition, found.config, root, n.lab.machineDir(m.Name), held)
	}, nil
}

// baseOf is the system on a machine's disk.
func (n nspawn) baseOf(m Machine) string {
	if m.CloudInit {
		return n.cloudBase
	}
	return n.base
}
