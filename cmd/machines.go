package cmd

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/ssh"
	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/lab"
	"github.com/kbm-dev/kbm/provision"
)

// nodeArch is what the nodes run, in Go's spelling.
const nodeArch = "amd64"

// machines opens the connections to a cluster's nodes, and closes them all.
type machines struct {
	session *session
	ask     *asker
	lab     ssh.DialFunc // set where the cluster lives in a lab
	config  *ssh.Config  // of the person's own ssh
	home    string

	mu    sync.Mutex
	open  []io.Closer
	jumps map[string]*ssh.Jumps
}

var _ provision.Host = (*ssh.Client)(nil)

func (s *session) machines(progress *ui.Progress) (*machines, error) {
	m := &machines{session: s, ask: &asker{app: s.app, progress: progress}, jumps: map[string]*ssh.Jumps{}}
	if l, ok := lab.Find(s.cluster.Dir); ok {
		m.lab = l.Dial
	}
	var err error
	if m.home, err = os.UserHomeDir(); err != nil {
		return nil, fmt.Errorf("find ~/.ssh: %w", err)
	}
	if m.config, err = ssh.ReadConfig(m.home); err != nil {
		return nil, usageError(err)
	}
	return m, nil
}

// connect logs in to a node and keeps the connection.
func (m *machines) connect(ctx context.Context, n *cluster.Node) (provision.Host, error) {
	o, err := m.options(ctx, n)
	if err != nil {
		return nil, err
	}
	client, err := ssh.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.open = append(m.open, client)
	m.mu.Unlock()
	return client, nil
}

// options say how a node is reached: what the spec sets comes before what
// ~/.ssh/config says of the same host, and that before the defaults.
func (m *machines) options(ctx context.Context, n *cluster.Node) (o ssh.Options, err error) {
	c := m.session.cluster
	access := c.SSHOf(n)
	target, err := m.config.Resolve(access.Host)
	if err != nil {
		return o, usageError(err)
	}
	user, port := access.User, strconv.Itoa(access.Port)
	if n.SSH.User == "" && c.SSH.User == "" {
		user = cmp.Or(target.User, user)
	}
	if access.Port == cluster.DefaultSSHPort {
		port = cmp.Or(target.Port, port)
	}
	o = ssh.Options{
		Name:     n.Name,
		Address:  net.JoinHostPort(cmp.Or(target.HostName, access.Host), port),
		User:     user,
		HostKeys: ssh.HostKeys{Authority: m.session.pki.SSHHostCA.Public, Fingerprint: access.HostKey},
		Dial:     m.lab,
		Password: m.ask.password,
	}
	if o.Auth, err = m.auth(user, slices.Concat(access.IdentityFiles, target.IdentityFiles)); err != nil {
		return o, fmt.Errorf("log in to %s: %w", n.Name, err)
	}
	jumps := target.Jumps
	if access.Jump != "" {
		jumps = strings.Split(access.Jump, ",")
	}
	if len(jumps) > 0 && m.lab == nil {
		way, err := m.through(ctx, jumps, user)
		if err != nil {
			return o, fmt.Errorf("on the way to %s: %w", n.Name, err)
		}
		o.Dial = way.Dial
	}
	return o, nil
}

// auth is a certificate that the cluster's SSH user CA signs for this run
// alone; people's own keys and agent come after it, for machines that do not
// trust the CA yet.
func (m *machines) auth(user string, identities []string) (ssh.Auth, error) {
	key, err := m.session.pki.SSHUser(user, time.Hour, time.Now(), rand.Reader)
	if err != nil {
		return ssh.Auth{}, err
	}
	for i, file := range identities {
		if rest, ok := strings.CutPrefix(file, "~/"); ok {
			identities[i] = filepath.Join(m.home, rest)
		}
	}
	return ssh.Auth{
		Key: key.Private, Certificate: key.Certificate,
		IdentityFiles: identities, AgentSocket: os.Getenv("SSH_AUTH_SOCK"),
		Passphrase: m.ask.passphrase,
	}, nil
}

// through opens the way through jump hosts once for all nodes behind them.
func (m *machines) through(ctx context.Context, jumps []string, user string) (*ssh.Jumps, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := strings.Join(jumps, ",")
	if way, ok := m.jumps[key]; ok {
		return way, nil
	}
	auth := ssh.Auth{
		IdentityFiles: m.session.cluster.SSH.IdentityFiles, AgentSocket: os.Getenv("SSH_AUTH_SOCK"),
		Passphrase: m.ask.passphrase,
	}
	way, err := ssh.OpenJumps(ctx, jumps, m.config, user, auth, nil)
	if err != nil {
		return nil, err
	}
	m.jumps[key] = way
	return way, nil
}

func (m *machines) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, c := range m.open {
		errs = append(errs, c.Close())
	}
	for _, way := range m.jumps {
		errs = append(errs, way.Close())
	}
	return errors.Join(errs...)
}

// bundleSource gives provision the files of the bundle.
type bundleSource struct{ *bundle.Bundle }

var _ provision.ArtefactSource = bundleSource{}

// Verify reads what was not read before: the machine hashes what it receives.
func (s bundleSource) Verify(ctx context.Context, names ...string) error {
	return s.Check(ctx, names...)
}

func (s bundleSource) Open(a ignition.Artefact) (io.ReadSeekCloser, error) {
	row, ok := s.Find(a.Name)
	if !ok {
		return nil, fmt.Errorf("the bundle in %s has no %s: `kbm bundle build` makes it", s.Dir(), a.Name)
	}
	return os.Open(s.File(row))
}
