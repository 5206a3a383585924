package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Await waits for the installed system. It answers with the node's own host
// key, in a boot of its own, from the disk that was written: a live system that
// has the same key, since it was started from the node's medium, is none.
func (i Installation) Await(ctx context.Context, site Site) error {
	i.tell(stepAwait, Started, "")
	err := poll(ctx, i.Timeout, i.Interval, func(ctx context.Context) error {
		err := i.arrived(ctx, site)
		if err != nil && ctx.Err() == nil {
			i.tell(stepAwait, Waiting, brief(err))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s was installed on %s, and does not answer as the installed system: %w", i.Node, i.Device, err)
	}
	i.tell(stepAwait, Done, "it answers with its own host key")
	return nil
}

// arrived tells why the installed system is not there yet.
func (i Installation) arrived(ctx context.Context, site Site) error {
	now, err := i.visit(ctx, i.Installed)
	if err == nil {
		return i.started(now, site)
	}
	if live, liveErr := i.visit(ctx, i.Live); liveErr == nil {
		if reason := i.started(live, site); reason != nil {
			return reason
		}
	}
	return err
}

func (i Installation) visit(ctx context.Context, open func(context.Context) (Visit, error)) (scene, error) {
	ctx, cancel := shortly(ctx)
	defer cancel()
	host, err := open(ctx)
	if err != nil {
		return scene{}, err
	}
	defer func() { _ = host.Close() }() // all was read, or the error is known
	return i.gather(ctx, host)
}

// started tells why a system that answers is not the one on the disk.
func (i Installation) started(now scene, site Site) error {
	if now.boot == site.boot {
		return errors.New("the live system has not gone down yet")
	}
	var from string
	for _, d := range now.disks {
		if !d.holdsRoot() {
			continue
		}
		disk := describeDisk(d)
		if disk.is(site.Disk) {
			return nil
		}
		from = disk.String()
	}
	cure := "take its medium out, or let the machine start from " + site.Disk.Path + " first"
	if from == "" {
		return errors.New("the live system has started again: " + cure)
	}
	return fmt.Errorf("it has started from %s: %s", from, cure)
}

// holdsRoot tells whether a system runs from a disk. Under ostree, / itself is
// an overlay.
func (d blockDevice) holdsRoot() (found bool) {
	if d.Type != "disk" {
		return false // the loop device of a live system
	}
	d.walk(func(part blockDevice) {
		found = found || slices.Contains(part.mounts(), "/") || slices.Contains(part.mounts(), "/sysroot")
	})
	return found
}
