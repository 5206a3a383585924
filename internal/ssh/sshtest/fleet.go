// Package sshtest simulates machines that answer over SSH, many of them in one
// process, for tests and benchmarks of what happens with hundreds of nodes.
// Only those import it.
package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"

	kbmssh "github.com/kbm-dev/kbm/internal/ssh"
)

// Handler plays the shell of a node: it gets the command line and returns the
// exit code.
type Handler func(node, line string, stdin io.Reader, stdout io.Writer) int

// Fleet is a set of simulated nodes on loopback, each with a host certificate
// of one CA, as kbm's media give it to real ones.
type Fleet struct {
	server    *Server
	authority ssh.Signer
	user      []byte
	userKey   ssh.PublicKey
	listeners map[string]net.Listener
	serving   sync.WaitGroup
}

// Start brings up a node for each name.
func Start(names []string, handler Handler) (*Fleet, error) {
	f := &Fleet{listeners: map[string]net.Listener{}}
	f.server = &Server{Handler: handler, Login: f.login}
	var err error
	if f.authority, _, err = newKey(); err != nil {
		return nil, err
	}
	user, private, err := newKey()
	if err != nil {
		return nil, err
	}
	f.user, f.userKey = private, user.PublicKey()
	for _, name := range names {
		if err := f.add(name); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

func newKey() (ssh.Signer, []byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return nil, nil, err
	}
	s, err := ssh.NewSignerFromKey(key)
	return s, pem.EncodeToMemory(block), err
}

func (f *Fleet) add(name string) error {
	key, _, err := newKey()
	if err != nil {
		return err
	}
	cert := &ssh.Certificate{
		Key: key.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{name}, ValidBefore: ssh.CertTimeInfinity,
	}
	if err := cert.SignCert(rand.Reader, f.authority); err != nil {
		return err
	}
	certified, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.listeners[name] = l
	f.serving.Go(func() { f.server.Serve(name, l, certified) })
	return nil
}

func (f *Fleet) login(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	if ssh.FingerprintSHA256(key) != ssh.FingerprintSHA256(f.userKey) {
		return nil, errors.New("unknown key")
	}
	return &ssh.Permissions{}, nil
}

// Options log in to a node.
func (f *Fleet) Options(name string) kbmssh.Options {
	return kbmssh.Options{
		Name: name, Address: f.listeners[name].Addr().String(), User: "root",
		Auth:     kbmssh.Auth{Key: f.user},
		HostKeys: kbmssh.HostKeys{Authority: ssh.MarshalAuthorizedKey(f.authority.PublicKey())},
	}
}

// Close ends the nodes. Connections that are open are closed by their clients.
func (f *Fleet) Close() error {
	var errs []error
	for _, l := range f.listeners {
		errs = append(errs, l.Close())
	}
	f.serving.Wait()
	return errors.Join(errs...)
}

func hostPort(host string, port uint32) string {
	return net.JoinHostPort(host, strconv.FormatUint(uint64(port), 10))
}
