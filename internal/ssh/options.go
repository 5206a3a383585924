// Package ssh reaches machines: verified host keys only, root through sudo
// where the login is not root, many scripts over one connection. It is the only
// package that imports the client side of golang.org/x/crypto/ssh.
package ssh

import (
	"context"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Options say how one machine is reached.
type Options struct {
	// Name of the node. Its host certificate must carry it, whichever address
	// is dialled.
	Name string
	// Address is HOST:PORT.
	Address  string
	User     string
	Auth     Auth
	HostKeys HostKeys
	// Dial opens the transport: a jump host's Client.Dial, or the lab's own.
	// A net.Dialer unless set.
	Dial DialFunc
	// Password asks for the password of sudo, where sudo wants one; attempt
	// counts from 1. Unset: such a machine is an error.
	Password func(ctx context.Context, node string, attempt int) (string, error)
	// JumpOnly connections carry others and run nothing: nobody becomes root.
	JumpOnly bool
	// ConnectTimeout is for everything up to the login, 15 s unless set.
	ConnectTimeout time.Duration
	// KeepAlive is the pause between two questions to the peer, 5 s unless
	// set. An answer that takes twice as long ends the connection.
	KeepAlive time.Duration
	// Sessions is how many scripts run at once, 8 unless set: sshd allows 10
	// (MaxSessions), and some are left for others.
	Sessions int
}

func (o Options) withDefaults() Options {
	if o.Dial == nil {
		var d net.Dialer
		o.Dial = d.DialContext
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 15 * time.Second
	}
	if o.KeepAlive == 0 {
		o.KeepAlive = 5 * time.Second
	}
	if o.Sessions == 0 {
		o.Sessions = 8
	}
	return o
}

// clientConfig prefers AES-GCM: with the CPU's instructions it is several
// times faster than the ChaCha20 that would be chosen otherwise, and that is
// what a bundle of 400 MB notices.
func (o Options) clientConfig(auth []ssh.AuthMethod, callback ssh.HostKeyCallback, algorithms []string) *ssh.ClientConfig {
	return &ssh.ClientConfig{
		Config: ssh.Config{Ciphers: []string{
			ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305,
			ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR,
		}},
		User:              o.User,
		Auth:              auth,
		HostKeyCallback:   callback,
		HostKeyAlgorithms: algorithms,
		ClientVersion:     "SSH-2.0-kbm",
	}
}
