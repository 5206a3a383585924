package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/provision"
)

func newInstallCommand(a *app) *cobra.Command {
	var o installOptions
	c := &cobra.Command{
		Use:   "install NODE --device DISK",
		Short: "Install a node's system on a disk, from a live Linux on the machine",
		Long: `Install Flatcar or Fedora CoreOS, with the node's configuration, on a disk of a
machine that runs any live or rescue Linux with sshd and the installer: Flatcar's
or Fedora CoreOS's own live system, for example. Everything on the disk is lost,
so it is shown first, and you are asked. A disk that is in use is refused.

The live system's SSH host key must be known: give its fingerprint with
--host-key, or let --scan-host-key ask the machine for it, and you whether it is
right. A live system that was started from the node's own medium needs neither.

Then the machine is started anew, and kbm waits until the installed system
answers, which it knows by the SSH host key that kbm made for it. kbm up does
the rest. If kbm is interrupted while the installer runs, that is ended too: the
disk is then not complete, and the command can be given again.`,
		Example: `  kbm install w1 --device /dev/sda --scan-host-key
  kbm install w1 --device /dev/nvme0n1 --ssh-host 192.168.1.77 --ssh-user root --host-key SHA256:…
  kbm install w2 --device /dev/sda --append-karg console=ttyS0 --dry-run`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(args); err != nil {
				return usageError(err)
			}
			return a.install(cmd.Context(), args[0], o)
		},
		ValidArgsFunction: a.completeNodes,
	}
	o.add(c)
	return c
}

// installOptions are what is to be installed where, and how the live system is
// reached.
type installOptions struct {
	device    string
	installer string
	kernel    []string
	live      cluster.NodeSSH
	scan      bool
	yes       bool
	dryRun    bool
	timeout   time.Duration
}

func (o *installOptions) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&o.device, "device", "", "the whole disk to write, /dev/…: everything on it is lost")
	flags.StringVar(&o.installer, "installer", "auto", "flatcar-install or coreos-installer (default by the node's os)")
	flags.StringArrayVar(&o.kernel, "append-karg", nil, "argument for the installed system's kernel, Fedora CoreOS only (repeatable)")
	flags.StringVar(&o.live.Host, "ssh-host", "", "where the live system's sshd answers (default the node's)")
	flags.IntVar(&o.live.Port, "ssh-port", 0, "port of the live system's sshd (default the node's)")
	flags.StringVar(&o.live.User, "ssh-user", "", "user of the live system to log in as, root or one with sudo (default the node's)")
	flags.StringVar(&o.live.HostKey, "host-key", "", "SHA256:… fingerprint of the live system's SSH host key")
	flags.BoolVar(&o.scan, "scan-host-key", false, "ask the live system for its SSH host key, and you whether it is right")
	flags.BoolVar(&o.yes, "yes", false, "do not ask before the disk is erased")
	flags.BoolVar(&o.dryRun, "dry-run", false, "look at the disk and show what would be done")
	flags.DurationVar(&o.timeout, "timeout", 15*time.Minute, "how long the installed system may take to answer")
	completeWith(c, "installer", []string{"auto", "flatcar-install", "coreos-installer"})
}

// check finds what is wrong with the flags by themselves.
func (o *installOptions) check(args []string) error {
	const form = "write kbm install NODE --device /dev/…"
	bad := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case len(args) == 0:
		return errors.New("NODE is missing; " + form)
	case len(args) > 1:
		return fmt.Errorf("%q stands beside %s; install one machine at a time", args[1], args[0])
	case o.device == "":
		return errors.New("--device is missing: kbm does not choose a disk to erase; " + form)
	case !strings.HasPrefix(o.device, "/dev/"), len(o.device) == len("/dev/"), strings.Contains(o.device, "/.."), strings.ContainsFunc(o.device, bad):
		return fmt.Errorf("--device %q is not the path of a disk; write it as lsblk -p does there, /dev/sda", o.device)
	case o.scan && o.live.HostKey != "":
		return errors.New("--host-key and --scan-host-key exclude each other; keep --host-key where the fingerprint is known")
	case o.scan && o.yes:
		return errors.New("--scan-host-key asks, and --yes says that nobody can be; give the fingerprint with --host-key")
	case o.timeout <= 0:
		return fmt.Errorf("--timeout %s leaves no time; write 15m", o.timeout)
	}
	for _, arg := range o.kernel {
		if arg == "" || strings.ContainsFunc(arg, bad) {
			return fmt.Errorf("--append-karg %q is not one argument of a kernel; repeat the flag for each", arg)
		}
	}
	return nil
}

// nodeToInstall finds the node and the program for its system.
func (o *installOptions) nodeToInstall(c *cluster.Cluster, name string) (*cluster.Node, provision.Installer, error) {
	if _, err := chosen(c, []string{name}); err != nil {
		return nil, provision.Installer{}, err
	}
	n, _ := c.Node(name)
	if adopted(n) {
		return nil, provision.Installer{}, fmt.Errorf("%s has ssh.hostKey in %s: it was adopted, and keeps its own system; take that out to install it anew", name, cluster.NodeFile(name))
	}
	installer, err := provision.FindInstaller(o.installer, c.OSOf(n).Name)
	if err != nil {
		return nil, installer, fmt.Errorf("install %s: %w", name, err)
	}
	if len(o.kernel) > 0 && !installer.TakesKernelArgs {
		return nil, installer, fmt.Errorf("--append-karg: %s cannot set arguments of the kernel; set linux_append in /oem/grub.cfg once %s is installed", installer.Program, name)
	}
	return n, installer, nil
}

// liveNode is the node as it is reached while the live system runs.
func (o *installOptions) liveNode(c *cluster.Cluster, n *cluster.Node) (*cluster.Node, error) {
	const source = "kbm install"
	live := *n
	live.Source = source
	live.SSH.HostKey = o.live.HostKey
	live.SSH.Host = cmp.Or(o.live.Host, n.SSH.Host)
	live.SSH.Port = cmp.Or(o.live.Port, n.SSH.Port)
	live.SSH.User = cmp.Or(o.live.User, n.SSH.User)
	with := *c
	with.Nodes = slices.Clone(c.Nodes)
	for i := range with.Nodes {
		if with.Nodes[i].Name == n.Name {
			with.Nodes[i] = live
		}
	}
	return &live, asFlags(with.Validate(), source, nodePaths()).Err()
}

// installConfig renders a node's configuration for a disk, whatever its media.
// What had to be issued for it is kept, unless nothing is to be written.
func (a *app) installConfig(ctx context.Context, c *cluster.Cluster, n *cluster.Node, keep bool) (*session, []byte, error) {
	r, err := a.newRenderer(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	set, err := r.ensure([]string{n.Name})
	if err != nil {
		return nil, nil, err
	}
	m, err := r.machine(n, set)
	if err != nil {
		return nil, nil, err
	}
	out, err := r.media.Render(m, ignition.Options{OS: c.OSOf(n), Target: "ignition-file", Stage: r.stageOf()})
	if err != nil {
		return nil, nil, usageError(err)
	}
	if keep {
		if err := r.commit(); err != nil {
			return nil, nil, err
		}
	}
	i := slices.IndexFunc(out.Files, func(f ignition.RenderedFile) bool { return f.Name == out.Main })
	return &session{app: a, cluster: c, pki: set}, out.Files[i].Content, nil
}
