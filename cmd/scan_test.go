package cmd

import (
	"crypto/ed25519"
	"crypto/rand"
	"net"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
)

// serveHostKey gives a script a machine that shows a host key: its port and
// fingerprint are in the environment.
func serveHostKey(env *testscript.Env) error {
	signer, err := newHostKey()
	if err != nil {
		return err
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				// The client hangs up once it has seen the key.
				_, _, _, _ = ssh.NewServerConn(c, config)
				_ = c.Close()
			}()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	env.Setenv("SSHD_PORT", port)
	env.Setenv("SSHD_KEY", ssh.FingerprintSHA256(signer.PublicKey()))
	return err
}

func newHostKey() (ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}
