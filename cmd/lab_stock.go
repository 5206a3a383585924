package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/internal/remote"
	"github.com/kbm-dev/kbm/lab"
	"github.com/kbm-dev/kbm/provision"
)

func newLabStockCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "stock [NODE]",
		Short: "Keep binaries and images of a machine, for kbm lab up --stocked",
		Long: `Keep the binaries and images that kbm push brought to the machine of a node, and
what containerd unpacked of them, for machines to come: kbm lab up --stocked
starts them with it, so that they need not receive the same once more. Of the
machine, nothing else is kept: no file of /etc, no key, no name.

There is one stock for each bundle; another one of the same bundle is replaced.
The machine must be no node of Kubernetes yet. Without NODE, the command tells
where the stock of this cluster's bundle is; there may be none, which is exit
code 1.`,
		Example: `  kbm lab up cp1
  kbm push
  kbm lab stock cp1
  kbm lab down
  kbm lab up --stocked`,
		Args:              atMost(1, "kbm lab stock takes one node"),
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.labStock()
			}
			return labError(a.keepStock(cmd.Context(), args[0]))
		},
	}
}

func (a *app) labStock() error {
	c, err := a.spec()
	if err != nil {
		return err
	}
	b, err := (&session{app: a, cluster: c}).openBundle(nodeArch)
	if err != nil {
		return err
	}
	s, err := a.findStock(b)
	if err != nil {
		return err
	}
	a.say("%s, %d MB", s.Path, s.Bytes/1e6)
	return a.answer(s)
}

// findStock says how one is made where there is none.
func (a *app) findStock(b *bundle.Bundle) (lab.Stock, error) {
	s, err := lab.FindStock(lab.DefaultCacheDir, b.Manifest())
	if errors.Is(err, lab.ErrNoStock) {
		err = fmt.Errorf("%w, %s: start machines without --stocked, then kbm %spush, and kbm %slab stock NODE makes one of what a machine has", err, b.Dir(), a.dirFlag(), a.dirFlag())
	}
	return s, err
}

func (a *app) keepStock(ctx context.Context, name string) (err error) {
	s, err := a.peek(ctx)
	if err != nil {
		return err
	}
	names, err := chosen(s.cluster, []string{name})
	if err != nil {
		return usageError(err)
	}
	l, up := lab.Find(s.cluster.Dir)
	if !up {
		return usageError(fmt.Errorf("the lab of this cluster is not up: kbm %slab up", a.dirFlag()))
	}
	vm, _, err := l.VM()
	if err != nil {
		return err
	}
	if vm != nil {
		return usageError(errors.New("a stock is made of containers, and this is a lab of virtual machines, whose disks are their own"))
	}
	b, err := s.openBundle(nodeArch)
	if err != nil {
		return err
	}
	m, err := s.machines(a.silent())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	node, _ := s.cluster.Node(names[0])
	host, err := m.connect(ctx, node)
	if err != nil {
		return err
	}
	wake, err := rest(ctx, host, name)
	if err != nil {
		return err
	}
	stock, err := l.KeepStock(ctx, lab.DefaultCacheDir, name, b.Manifest())
	if err := errors.Join(err, wake()); err != nil {
		return err
	}
	a.say("Kept of %s: %s, %d MB. Machines begin with it: kbm %slab up --stocked", name, stock.Path, stock.Bytes/1e6, a.dirFlag())
	return a.answer(stock)
}

// The codes that restScript ends with.
const (
	isNode   = 3
	unpushed = 4
)

// restScript stops containerd, which writes to its databases even when nobody
// asks it for anything, where it has nothing to run but has all the images.
const restScript = `if [ -e /etc/systemd/system/kubelet.service ]; then exit 3; fi
if [ "$(systemctl is-active kbm-images.service)" != active ]; then exit 4; fi
systemctl stop containerd.service`

// rest has containerd stand still until wake is called.
func rest(ctx context.Context, host provision.Host, name string) (wake func() error, err error) {
	_, err = host.Run(ctx, remote.Command{Script: restScript})
	var run *remote.RunError
	if errors.As(err, &run) {
		switch run.ExitCode {
		case isNode:
			return nil, usageError(fmt.Errorf("%s is a node already, where containers run: a stock is made of a machine that has binaries and images only: take it down, make it again, and push", name))
		case unpushed:
			return nil, usageError(fmt.Errorf("%s has not loaded its images yet: kbm push brings them", name))
		}
	}
	if err != nil {
		return nil, err
	}
	return func() error {
		// Also after Ctrl-C.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		_, err := host.Run(ctx, remote.Command{Script: "systemctl start containerd.service"})
		return err
	}, nil
}
