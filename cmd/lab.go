package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/lab"
)

func newLabCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "lab",
		Short: "Run the cluster's machines on this computer, to try and to test",
		Long: `Run the cluster's machines as disposable containers or virtual machines on this
computer: real systemd, sshd and first boot, each from the medium that kbm
rendered for it. They have a network of their own that leads nowhere. Once they are up, kbm up and the
other commands find them there.

It needs root, and a Debian or Ubuntu computer.`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommand,
	}
	c.AddCommand(newLabUpCommand(a), newLabDownCommand(a), newLabStatusCommand(a), newLabExecCommand(a), newLabStockCommand(a))
	return c
}

func newLabUpCommand(a *app) *cobra.Command {
	var o labOptions
	c := &cobra.Command{
		Use:   "up [NODE...]",
		Short: "Switch the machines on; new ones read their medium first",
		Long: `Switch on the machines of the named nodes, or of all, and wait until they answer
SSH. A machine that is running is left alone. A new one applies its medium with
the real Ignition, or the real cloud-init; to let a machine do so again, take it
down first.

--stocked has new machines begin with the binaries and images that kbm lab stock
has kept, so that kbm up finds them in place.

--adopt makes a machine that is no node yet: it has a system, an address and SSH
host keys of its own, and reads no medium. The keys in ssh.authorizedKeys may log
in. kbm prints the command that adds it.

With --driver qemu the machines are virtual ones, with KVM where it works. Each
has a disk of its own that starts as a copy of --image, a cloud image of Debian,
Ubuntu, Flatcar or Fedora CoreOS, which is never changed. Its system finds the
medium as a CD-ROM, or in the firmware with media: qemu-fw-cfg. A lab has one
driver, and later calls need not name it again.`,
		Example: `  kbm lab up
  kbm lab up w1
  kbm lab up --stocked
  kbm lab up --driver qemu --image debian-12-genericcloud-amd64.qcow2
  kbm lab up --adopt old=10.88.0.20/24`,
		ValidArgsFunction: a.completeNodes,
		RunE:              func(cmd *cobra.Command, names []string) error { return a.labUp(cmd.Context(), names, o) },
	}
	o.vms.add(c)
	c.Flags().BoolVar(&o.stocked, "stocked", false, "new machines begin with what kbm lab stock has kept")
	c.Flags().StringArrayVar(&o.adopt, "adopt", nil, "NAME=IP/LENGTH of a machine to be adopted (repeatable)")
	return c
}

// labOptions are for machines that are not containers with an empty disk and a
// medium.
type labOptions struct {
	vms     vmFlags
	adopt   []string
	stocked bool
}

func (a *app) labUp(ctx context.Context, names []string, o labOptions) error {
	c, err := a.spec()
	if err != nil {
		return err
	}
	if names, err = chosen(c, names); err != nil {
		return usageError(err)
	}
	l, err := lab.For(c.Dir)
	if err != nil {
		return err
	}
	vm, err := o.vms.choose(l)
	if err != nil {
		return usageError(err)
	}
	if vm != nil && len(o.adopt) > 0 {
		return usageError(errors.New("--adopt makes containers, and this is a lab of virtual machines: leave it out"))
	}
	if vm != nil && o.stocked {
		return usageError(errors.New("--stocked is for containers, and this is a lab of virtual machines, which start from their image alone: leave it out"))
	}
	machines, err := a.switchOn(ctx, l, c, vm, names, o)
	if err != nil {
		return err
	}
	return a.sayAdoptable(l, c, machines)
}

func (a *app) switchOn(ctx context.Context, l lab.Lab, c *cluster.Cluster, vm *lab.VM, names []string, o labOptions) (machines []lab.Machine, err error) {
	progress := a.progress()
	defer func() { err = errors.Join(err, progress.Close()) }()
	report := labReporter(progress)
	spec, cleanUp, err := a.labSpec(ctx, c, vm, names, o, report)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cleanUp()) }()
	return spec.Machines, labError(l.Up(ctx, spec, report))
}

// labReporter passes the lab's events to the screen.
func labReporter(to *ui.Progress) lab.Progress {
	return func(e lab.Event) {
		event := ui.Event{Subject: e.Machine, Step: e.Step, Detail: e.Detail, State: ui.Working}
		if e.Machine == "" {
			event.Subject = "lab"
		}
		switch {
		case e.Done:
			event.State = ui.Done
		case e.Detail != "":
			event.State = ui.Waiting
		}
		to.Update(event)
	}
}

func labError(err error) error {
	if errors.Is(err, lab.ErrLocked) {
		return withCode(exitLocked, err)
	}
	if errors.As(err, new(*lab.ImageError)) {
		return usageError(err)
	}
	return err
}

func newLabDownCommand(a *app) *cobra.Command {
	var all, keepDisk bool
	c := &cobra.Command{
		Use:   "down [NODE...]",
		Short: "Take the machines away, with their disks",
		Long: `Take away the machines of the named nodes, or the whole lab of this cluster, with
disks, network and processes. The cluster's folder stays as it is.`,
		Example: `  kbm lab down
  kbm lab down w1 --keep-disk     # cut the power of w1; kbm lab up brings it back
  kbm lab down --all              # every lab on this computer`,
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, names []string) error {
			if all {
				if len(names) > 0 {
					return usageError(errors.New("--all takes every lab down: name no node beside it"))
				}
				return labError(a.allLabsDown(cmd.Context(), keepDisk))
			}
			return labError(a.labDown(cmd.Context(), names, keepDisk))
		},
	}
	c.Flags().BoolVar(&all, "all", false, "every lab on this computer, whatever its cluster")
	c.Flags().BoolVar(&keepDisk, "keep-disk", false, "only cut the power")
	return c
}

// labDown works without a readable cluster: its folder may be gone already.
func (a *app) labDown(ctx context.Context, names []string, keepDisk bool) error {
	l, err := lab.For(a.dir)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		there, err := l.Names()
		if err != nil {
			return err
		}
		known := there
		if c, err := cluster.Load(a.dir); err == nil {
			known = append(known, c.NodeNames()...)
		}
		for _, name := range names {
			if !slices.Contains(known, name) {
				return usageError(fmt.Errorf("%q is neither in the lab nor a node of this cluster; in the lab: %s", name, cmp.Or(strings.Join(there, ", "), "nothing")))
			}
		}
	}
	return takeDown(ctx, l, names, keepDisk)
}

func (a *app) allLabsDown(ctx context.Context, keepDisk bool) error {
	labs, err := lab.All(lab.DefaultStateRoot)
	if err != nil {
		return err
	}
	var faults []error
	for _, l := range labs {
		faults = append(faults, takeDown(ctx, l, nil, keepDisk))
	}
	return errors.Join(faults...)
}

func takeDown(ctx context.Context, l lab.Lab, names []string, keepDisk bool) error {
	if keepDisk {
		return l.Off(ctx, names...)
	}
	return l.Down(ctx, names...)
}
