package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

func newPKICommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "pki",
		Short: "Look at, renew and import certificates and keys",
		Long: `The cluster's CAs, certificates and keys are kept in the folder pki/. Other
commands issue what is missing or expires; these are for what is not daily.

Where cluster.yaml sets secrets.recipients, private files are kept as *.age
only. To read them, name the file of an age identity or SSH key in --identity
or KBM_AGE_IDENTITY.`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommand,
	}
	c.AddCommand(newPKIListCommand(a), newPKIRenewCommand(a), newPKIImportCommand(a), newPKIEncryptCommand(a), newPKIKnownHostsCommand(a))
	return c
}

// withPKI loads the cluster and opens its key store.
func (a *app) withPKI(ctx context.Context, do func(*cluster.Cluster, *pki.Files) error) error {
	c, err := cluster.Load(a.dir)
	if err != nil {
		return usageError(err)
	}
	store, err := a.openPKI(ctx, c)
	if err != nil {
		return err
	}
	return do(c, store)
}

func newPKIRenewCommand(a *app) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "renew NAME… | --all",
		Short: "Issue certificates anew, before they expire",
		Long: `Issue certificates anew. NAME is a certificate, a node, or the path of one
certificate of one node, as kbm pki list shows them. CAs are never renewed.
kbm up delivers what changed.`,
		Example: `  kbm pki renew apiserver
  kbm pki renew cp1
  kbm pki renew nodes/cp1/apiserver`,
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, names []string) error {
			if all != (len(names) == 0) {
				return usageError(errors.New("name what to renew, or pass --all"))
			}
			return a.withPKI(cmd.Context(), func(c *cluster.Cluster, store *pki.Files) error {
				set, err := pki.Renew(store, c, names, time.Now(), rand.Reader)
				if err != nil {
					return usageError(err)
				}
				return a.printChanges(set.Changes)
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "renew every certificate but the CAs'")
	return c
}

func newPKIImportCommand(a *app) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "import DIR",
		Short: "Take over the CAs of a cluster that kubeadm made",
		Long: `Take ca, front-proxy-ca, etcd/ca and sa from DIR, laid out as kubeadm's
/etc/kubernetes/pki, and issue everything else from them. All are checked
first; one that does not fit leaves everything as it is.`,
		Example: `  kbm pki import /etc/kubernetes/pki`,
		Args:    exactly(1, "name the folder to import from"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withPKI(cmd.Context(), func(c *cluster.Cluster, store *pki.Files) error {
				now := time.Now()
				imported, err := pki.Import(store, os.DirFS(args[0]), force, now)
				var differs *pki.DiffersError
				if errors.As(err, &differs) {
					return usageError(fmt.Errorf("%w; pass --force if no node runs yet", err))
				}
				if err != nil {
					return usageError(err)
				}
				set, err := pki.Ensure(store, c, now, rand.Reader)
				if err != nil {
					return usageError(err)
				}
				return a.printChanges(append(imported, set.Changes...))
			})
		},
	}
	c.Flags().BoolVar(&force, "force", false, "replace CAs and keys that are there already")
	return c
}

func newPKIEncryptCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "encrypt",
		Short: "Encrypt every private file to secrets.recipients",
		Long: `Encrypt every private file below pki/ to secrets.recipients of cluster.yaml,
and remove it in plain. Other commands do so too when the recipients changed;
this one also finds keys that were put there since.`,
		Args: exactly(0, "this command takes no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withPKI(cmd.Context(), func(_ *cluster.Cluster, store *pki.Files) error {
				changes, err := store.Encrypt()
				if err != nil {
					return usageError(err)
				}
				return a.printChanges(changes)
			})
		},
	}
}

func newPKIKnownHostsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "ssh-known-hosts",
		Short: "Print the line that makes ssh trust the nodes",
		Long: `Print a line for known_hosts by which ssh trusts the host keys that kbm signed
for the nodes. Print it again when a node was added.`,
		Example: `  kbm pki ssh-known-hosts >> ~/.ssh/known_hosts`,
		Args:    exactly(0, "this command takes no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withPKI(cmd.Context(), func(c *cluster.Cluster, store *pki.Files) error {
				line, err := pki.KnownHosts(store, c)
				if err != nil {
					return usageError(err)
				}
				_, err = a.out.Write(line)
				return err
			})
		},
	}
}

// exactly is cobra.ExactArgs with an exit code and a message that helps.
func exactly(n int, otherwise string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError(errors.New(otherwise))
		}
		return nil
	}
}

// printChanges tells what was written to the key store.
func (a *app) printChanges(changes []pki.Change) error {
	for _, change := range changes {
		a.say("%s: %s", change.Path, change.Why)
	}
	if len(changes) == 0 {
		a.say("Nothing to do.")
	}
	return a.answer(append([]pki.Change{}, changes...))
}
