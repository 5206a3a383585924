package cluster

import (
	"context"
	"errors"

	"github.com/kbm-dev/kbm/bench/internal/machines"
)

// rig is machines that hold everything and run nothing of Kubernetes yet.
type rig struct{ *machines.Machines }

// boot makes one controller, and workers up to the given number of machines.
func boot(ctx context.Context, kbm string, size int) (*rig, error) {
	roles := []string{"controller"}
	for len(roles) < size {
		roles = append(roles, "worker")
	}
	m, err := machines.Boot(ctx, kbm, roles...)
	if err != nil {
		return nil, err
	}
	if err := m.Run(ctx, "push"); err != nil {
		return nil, errors.Join(err, m.Close(ctx))
	}
	return &rig{m}, nil
}
