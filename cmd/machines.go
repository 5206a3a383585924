package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
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
	dial    ssh.DialFunc // nil: the network of this computer

	mu   sync.Mutex
	open []io.Closer
}

var _ provision.Host = (*ssh.Client)(nil)

func (s *session) machines(progress *ui.Progress) *machines {
	m := &machines{session: s, ask: &asker{app: s.app, progress: progress}}
	if l, ok := lab.Find(s.cluster.Dir); ok {
		m.dial = l.Dial
	}
	return m
}

// connect logs in with a certificate that the cluster's SSH user CA signs for
// this run alone; people's own keys and agent come after it, for machines that
// do not trust the CA yet.
func (m *machines) connect(ctx context.Context, n *cluster.Node) (provision.Host, error) {
	access := m.session.cluster.SSHOf(n)
	key, err := m.session.pki.SSHUser(access.User, time.Hour, time.Now(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("log in to %s: %w", n.Name, err)
	}
	client, err := ssh.Connect(ctx, ssh.Options{
		Name:    n.Name,
		Address: net.JoinHostPort(access.Host, strconv.Itoa(access.Port)),
		User:    access.User,
		Auth: ssh.Auth{
			Key: key.Private, Certificate: key.Certificate,
			IdentityFiles: access.IdentityFiles, AgentSocket: os.Getenv("SSH_AUTH_SOCK"),
			Passphrase: m.ask.passphrase,
		},
		HostKeys: ssh.HostKeys{Authority: m.session.pki.SSHHostCA.Public, Fingerprint: access.HostKey},
		Dial:     m.dial,
		Password: m.ask.password,
	})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.open = append(m.open, client)
	m.mu.Unlock()
	return client, nil
}

func (m *machines) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, c := range m.open {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// bundleSource gives provision the files of the bundle, each verified before
// its first byte is sent.
type bundleSource struct{ *bundle.Bundle }

var _ provision.ArtefactSource = bundleSource{}

func (s bundleSource) Open(a ignition.Artefact) (io.ReadSeekCloser, error) {
	row, ok := s.Find(a.Name)
	if !ok {
		return nil, fmt.Errorf("the bundle in %s has no %s: `kbm bundle build` makes it", s.Dir(), a.Name)
	}
	if err := s.Verify(context.Background(), a.Name); err != nil {
		return nil, err
	}
	return os.Open(s.File(row))
}
