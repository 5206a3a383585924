package provision

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// vipLease is what the kube-vip pods agree by; its manifest names it too.
	vipLease    = "kbm-vip"
	vipDeadline = 20 * time.Second
)

// vipHolder names the controller that has the virtual address; empty if there
// is no such address, or nobody has it.
func (r *run) vipHolder(ctx context.Context) (string, error) {
	if r.Cluster.Endpoint.VIP == "" {
		return "", nil
	}
	lease, err := r.kube.CoordinationV1().Leases(metav1.NamespaceSystem).Get(ctx, vipLease, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && lease.Spec.HolderIdentity == nil {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("ask who holds the virtual address: %w", err)
	}
	return *lease.Spec.HolderIdentity, nil
}

// moveVIP hands the virtual address to another controller before this one is
// touched: whoever uses it notices nothing, while the death of an API server
// leaves it unanswered for some seconds. Both may have the address for a
// moment, and both answer then.
func (r *run) moveVIP(ctx context.Context, from *machine, members []*machine) error {
	holder, err := r.vipHolder(ctx)
	if err != nil || holder != from.node.Name {
		return err
	}
	for _, to := range members {
		if to == from || r.connectAPI(to) != nil || r.ready(ctx) != nil {
			continue
		}
		r.report(from.node.Name, "hand over the virtual address", Started, "to "+to.node.Name)
		if err := r.giveVIP(ctx, to); err != nil {
			return err
		}
		err := poll(ctx, vipDeadline, 200*time.Millisecond, func(ctx context.Context) error {
			return r.vipMoved(ctx, from, to)
		})
		if err != nil {
			// It moves by itself when its holder is gone, only later.
			r.report(from.node.Name, "hand over the virtual address", Warned, brief(err))
			return ctx.Err()
		}
		r.report(from.node.Name, "hand over the virtual address", Done, "to "+to.node.Name)
		return nil
	}
	return nil
}

// giveVIP writes the new holder into the lease. It finds itself there, takes
// the address and renews the lease; the old one cannot renew it any more.
func (r *run) giveVIP(ctx context.Context, to *machine) error {
	leases := r.kube.CoordinationV1().Leases(metav1.NamespaceSystem)
	err := poll(ctx, vipDeadline, 100*time.Millisecond, func(ctx context.Context) error {
		lease, err := leases.Get(ctx, vipLease, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := metav1.NowMicro()
		lease.Spec.HolderIdentity, lease.Spec.AcquireTime, lease.Spec.RenewTime = &to.node.Name, &now, &now
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: "kbm"})
		return err // the holder renews it each second, so this may be a conflict
	})
	if err != nil {
		return fmt.Errorf("hand the virtual address to %s: %w", to.node.Name, err)
	}
	return nil
}

func (r *run) vipMoved(ctx context.Context, from, to *machine) error {
	for _, end := range []struct {
		m    *machine
		test string
		is   string
	}{{to, "-n", "has not taken it yet"}, {from, "-z", "still has it"}} {
		script := "test " + end.test + ` "$(ip -o address show to ` + r.Cluster.Endpoint.VIP + `)"`
		if _, err := end.m.host.Run(ctx, Command{Script: script}); err != nil {
			return fmt.Errorf("%s %s", end.m.node.Name, end.is)
		}
	}
	return nil
}
