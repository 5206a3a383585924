package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/ssh"
	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/provision"
)

// install writes a node's system to a disk of its machine, and waits for it.
func (a *app) install(ctx context.Context, name string, o installOptions) error {
	c, err := a.spec()
	if err != nil {
		return err
	}
	n, installer, err := o.nodeToInstall(c, name)
	if err != nil {
		return usageError(err)
	}
	live, err := o.liveNode(c, n)
	if err != nil {
		return usageError(err)
	}
	if o.scan {
		if live.SSH.HostKey, err = a.scanHostKey(ctx, c, live); err != nil {
			return err
		}
	}
	s, config, err := a.installConfig(ctx, c, n, !o.dryRun)
	if err != nil {
		return err
	}
	progress := a.progress()
	m, err := s.machines(progress)
	if err != nil {
		return err
	}
	i := provision.Installation{
		Node: n.Name, Device: o.device, Arch: nodeArch, Installer: installer, Config: config, KernelArgs: o.kernel,
		Live:      func(ctx context.Context) (provision.Visit, error) { return m.visitLive(ctx, live) },
		Installed: func(ctx context.Context) (provision.Visit, error) { return m.visitInstalled(ctx, n) },
		Report:    reporter{progress}, Timeout: o.timeout, Interval: 2 * time.Second,
	}
	err = a.carryOut(ctx, i, o, progress)
	var refused *provision.RefusedError
	if errors.As(err, &refused) {
		err = usageError(err)
	}
	if err != nil && !errors.Is(err, errSilent) && a.isJSON() {
		progress.Update(ui.Event{Subject: name, State: ui.Failed, Detail: message(err)})
	}
	return errors.Join(err, progress.Close(), m.Close())
}

// carryOut goes from the first look at the disk to the answer of what is on it.
func (a *app) carryOut(ctx context.Context, i provision.Installation, o installOptions, progress *ui.Progress) error {
	host, err := i.Live(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }() // the machine goes down, or nothing was done
	site, err := i.Look(ctx, host)
	if err != nil {
		return err
	}
	sure := o.yes
	err = progress.Pause(func() error {
		a.sayDisk(i, site.Disk)
		if o.yes || o.dryRun {
			return nil
		}
		sure, err = a.askToErase(ctx, i, site.Disk)
		return err
	})
	switch {
	case err != nil:
		return err
	case o.dryRun:
		a.say("would run on %s: %s", i.Node, i.Line(site))
		a.say("would start %s anew, and wait for its own host key", i.Node)
		return errors.Join(a.result(map[string]any{"result": "would install", "node": i.Node, "disk": site.Disk}), withCode(exitChanges, errSilent))
	case !sure:
		a.say("Nothing was written.")
		return a.result(map[string]any{"result": "nothing", "node": i.Node, "disk": site.Disk})
	}
	if err := i.Write(ctx, host, site); err != nil {
		return err
	}
	if err := i.Await(ctx, site); err != nil {
		return err
	}
	a.say("%s is installed on %s; next: kbm %sup", i.Node, site.Disk, a.dirFlag())
	return a.result(map[string]any{"result": "installed", "node": i.Node, "disk": site.Disk})
}

// sayDisk shows what is about to be lost.
func (a *app) sayDisk(i provision.Installation, d provision.WholeDisk) {
	a.say("%s on %s: %s", d.Path, i.Node, d.About())
	if len(d.Contents) == 0 {
		a.say("  nothing that lsblk knows is on it")
	}
	for _, c := range d.Contents {
		a.say("  %s", c)
	}
}

// askToErase asks a person; without one, nothing is erased.
func (a *app) askToErase(ctx context.Context, i provision.Installation, d provision.WholeDisk) (bool, error) {
	sure, err := ui.Prompt{In: a.in, Out: a.err}.Confirm(ctx, ui.Question{
		Text:      fmt.Sprintf("Erase all of %s on %s, and install %s there?", d, i.Node, i.Installer.System),
		Otherwise: "pass --yes",
	})
	return sure, usageError(err)
}

// visitLive connects to the live system. Its cures are not those of a node.
func (m *machines) visitLive(ctx context.Context, n *cluster.Node) (provision.Visit, error) {
	client, err := m.dial(ctx, n)
	var e *ssh.Error
	if errors.As(err, &e) {
		at := fmt.Sprintf("the live system of %s (%s)", n.Name, e.Address)
		switch e.Reason {
		case ssh.HostKey:
			err = fmt.Errorf("%s: %w; pass the fingerprint that ssh-keygen -lf prints on its console with --host-key, or --scan-host-key", at, e.Cause)
		case ssh.LoginRefused:
			err = fmt.Errorf("%s refuses the login as %s; name its user with --ssh-user, and put the public key of your agent or of one of ssh.identityFiles into ~/.ssh/authorized_keys there", at, e.User)
		case ssh.Refused, ssh.TimedOut, ssh.NoRoute:
			err = fmt.Errorf("%s cannot be reached: %s; check that it runs sshd, and name its address with --ssh-host", at, e.Reason)
		}
		return nil, withCode(exitUnreachable, err)
	}
	if err != nil {
		return nil, err
	}
	return client, nil
}

// visitInstalled connects to nothing but a system with the node's own key.
func (m *machines) visitInstalled(ctx context.Context, n *cluster.Node) (provision.Visit, error) {
	client, err := m.dial(ctx, n)
	var e *ssh.Error
	switch {
	case errors.As(err, &e) && e.Reason == ssh.HostKey:
		return nil, fmt.Errorf("what answers is not the installed system, for it has no host key that is signed for %s: %w", n.Name, err)
	case err != nil:
		return nil, err
	}
	return client, nil
}

// dial logs in to a machine; who asks closes the connection.
func (m *machines) dial(ctx context.Context, n *cluster.Node) (*ssh.Client, error) {
	o, err := m.options(ctx, n)
	if err != nil {
		return nil, err
	}
	return ssh.Connect(ctx, o)
}
