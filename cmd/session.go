package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/atomicfile"
	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/pki"
	"github.com/kbm-dev/kbm/provision"
)

// session is a cluster folder that was opened for work: the spec and its keys.
type session struct {
	app     *app
	cluster *cluster.Cluster
	pki     *pki.Set
	addons  []addons.Addon // where they were asked for
}

// open loads the cluster and its PKI. What the PKI lacks, for example after an
// edit of the spec, is issued here: the certificates follow the file.
func (a *app) open(ctx context.Context) (*session, error) {
	return a.load(ctx, opening{})
}

// peek is open without a write: what would be issued is made up in memory.
func (a *app) peek(ctx context.Context) (*session, error) {
	return a.load(ctx, opening{readOnly: true})
}

// opening says what a session is for.
type opening struct {
	// readOnly sessions write nothing.
	readOnly bool
	// addons are going to be compared or applied: every value that they need
	// must be at hand, before anything is touched.
	addons bool
	// names are the addons that the user has chosen; none stands for all.
	names []string
}

func (a *app) load(ctx context.Context, o opening) (*session, error) {
	c, err := cluster.Load(a.dir)
	if err != nil {
		return nil, usageError(err)
	}
	if err := checkAddonNames(c, o.names); err != nil {
		return nil, err
	}
	store, err := a.openPKI(ctx, c)
	if err != nil {
		return nil, err
	}
	values := &sources{dir: c.Dir, getenv: os.Getenv, now: time.Now, decrypt: store.Decrypted}
	if o.addons {
		if err := values.check(c); err != nil {
			return nil, usageError(err)
		}
	}
	set, err := pki.Ensure(o.wrap(store), c, time.Now(), rand.Reader)
	if err != nil {
		return nil, usageError(err)
	}
	s := &session{app: a, cluster: c, pki: set}
	if o.addons {
		values.kept = set
		if s.addons, err = addons.Render(c, values); err != nil {
			return nil, usageError(err)
		}
	}
	return s, nil
}

func (o opening) wrap(s pki.Store) pki.Store {
	if o.readOnly {
		return pki.ReadOnly{Store: s}
	}
	return s
}

// openBundle opens the folder of binaries and images that the cluster runs.
func (s *session) openBundle(arch string) (*bundle.Bundle, error) {
	dir := s.cluster.BundleDir()
	if dir == "" {
		var err error
		if dir, err = bundle.DefaultDir(s.cluster.Kubernetes.Version, arch); err != nil {
			return nil, err
		}
	}
	b, err := bundle.Open(dir)
	if err != nil {
		return nil, usageError(err)
	}
	if have := b.Manifest().Kubernetes; have != s.cluster.Kubernetes.Version {
		return nil, usageError(fmt.Errorf("the bundle in %s is of Kubernetes %s, and cluster.yaml asks for %s: set kubernetes.version to what the bundle has, or name another folder in bundle.dir", dir, have, s.cluster.Kubernetes.Version))
	}
	return b, nil
}

// env is what provision needs of the world. The returned function gives back
// the connections and the screen.
func (s *session) env(progress *ui.Progress, o upOptions) (env provision.Env, done func() error, err error) {
	b, err := s.openBundle(nodeArch)
	if err != nil {
		return env, nil, err
	}
	env, done, err = s.access(progress, o)
	env.Bundle, env.Source = b.Manifest(), bundleSource{b}
	return env, done, err
}

// equipped is env, where the bundle holds all that the addons run: pods that
// wait for an image which no node will get are hard to understand.
func (s *session) equipped(progress *ui.Progress, o upOptions) (env provision.Env, done func() error, err error) {
	b, err := s.openBundle(nodeArch)
	if err != nil {
		return env, nil, err
	}
	if err := b.Require(slices.Concat(s.cluster.Addons.Enabled(), s.cluster.Bundle.Images)...); err != nil {
		return env, nil, usageError(err)
	}
	return s.env(progress, o)
}

// access is env without binaries and images, for who brings none.
func (s *session) access(progress *ui.Progress, o upOptions) (env provision.Env, done func() error, err error) {
	if err := s.cluster.ReadyForUp(); err != nil {
		return env, nil, usageError(err)
	}
	machines, err := s.machines(progress)
	if err != nil {
		return env, nil, err
	}
	return provision.Env{
		Cluster:  s.cluster,
		PKI:      s.pki,
		Addons:   s.addons,
		Connect:  machines.connect,
		Admin:    s.admin,
		Report:   reporter{progress},
		Now:      time.Now,
		Owner:    owner(),
		Parallel: o.parallel,
	}, func() error { return errors.Join(progress.Close(), machines.Close()) }, nil
}

// run carries out steps on the cluster's machines and shows their progress.
func (s *session) run(ctx context.Context, steps []provision.Step, o upOptions) (plan provision.Plan, err error) {
	return s.runIn(ctx, s.equipped, steps, o)
}

// runAddons is run for steps that bring nothing to the machines.
func (s *session) runAddons(ctx context.Context, steps []provision.Step) (plan provision.Plan, err error) {
	return s.runIn(ctx, s.access, steps, upOptions{parallel: defaultParallel})
}

type world = func(*ui.Progress, upOptions) (provision.Env, func() error, error)

func (s *session) runIn(ctx context.Context, w world, steps []provision.Step, o upOptions) (plan provision.Plan, err error) {
	progress := s.app.progress()
	env, done, err := w(progress, o)
	if err != nil {
		return plan, err
	}
	defer func() { err = errors.Join(err, done()) }()
	plan, err = provision.Run(ctx, env, steps)
	if err != nil && s.app.isJSON() {
		// People read it on stderr; programs that follow the events do not.
		progress.Update(ui.Event{Subject: "cluster", State: ui.Failed, Detail: message(err)})
	}
	return plan, err
}

// admin makes a client certificate in memory, for the time of one run.
func (s *session) admin(name string, groups ...string) (pki.Pair, error) {
	return s.pki.Client(name, groups, time.Hour, time.Now(), rand.Reader)
}

// owner is how the lock names its holder to somebody who is refused.
func owner() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed computer"
	}
	return fmt.Sprintf("%s on %s (process %d)", name, host, os.Getpid())
}

func (s *session) kubeconfigPath() string { return filepath.Join(s.cluster.Dir, "kubeconfig") }

// writeKubeconfig keeps the administrator's access in the cluster's folder,
// except where no key may lie there in clear: then `kbm kubeconfig` prints it.
func (s *session) writeKubeconfig() error {
	if len(s.cluster.Secrets.Recipients) > 0 {
		return nil
	}
	text, err := clientcmd.Write(*provision.Kubeconfig(s.cluster, s.pki))
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	return atomicfile.Write(s.kubeconfigPath(), text, 0o600)
}
