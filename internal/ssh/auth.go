package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Auth is what kbm may log in with. Everything that is set is tried, in the
// order of the fields: sshd ends a connection after six keys.
type Auth struct {
	// Key is a private key in OpenSSH form and Certificate the SSH user CA's
	// signature under it, an authorized_keys line. Neither touches the disk.
	Key, Certificate []byte
	// IdentityFiles are private keys.
	IdentityFiles []string
	// Passphrase asks for the passphrase of an identity file, and only once the
	// server wants that key. Unset: encrypted files are left out.
	Passphrase func(ctx context.Context, file string) ([]byte, error)
	// AgentSocket is where an SSH agent listens, $SSH_AUTH_SOCK as a rule.
	AgentSocket string
}

// methods returns the ways to log in, and what to close after the login.
func (a Auth) methods(ctx context.Context) ([]ssh.AuthMethod, io.Closer, error) {
	var signers []ssh.Signer
	if len(a.Key) > 0 {
		s, err := a.certified()
		if err != nil {
			return nil, nil, err
		}
		signers = append(signers, s)
	}
	for _, file := range a.IdentityFiles {
		s, err := a.identity(ctx, file)
		if err != nil {
			return nil, nil, err
		}
		if s != nil {
			signers = append(signers, s)
		}
	}
	var closer io.Closer = io.NopCloser(nil)
	if a.AgentSocket != "" {
		// An agent that is gone is no reason to give up: other keys may do.
		if conn, err := net.Dial("unix", a.AgentSocket); err == nil {
			closer = conn
			if more, err := agent.NewClient(conn).Signers(); err == nil {
				signers = append(signers, more...)
			}
		}
	}
	return []ssh.AuthMethod{ssh.PublicKeys(signers...)}, closer, nil
}

func (a Auth) certified() (ssh.Signer, error) {
	key, err := ssh.ParsePrivateKey(a.Key)
	if err != nil {
		return nil, fmt.Errorf("kbm's own SSH key: %w", err)
	}
	if len(a.Certificate) == 0 {
		return key, nil
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(a.Certificate)
	if err != nil {
		return nil, fmt.Errorf("kbm's SSH user certificate: %w", err)
	}
	cert, ok := public.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("kbm's SSH user certificate is a plain key")
	}
	return ssh.NewCertSigner(cert, key)
}

// identity reads a private key. It returns nil for a file that needs a
// passphrase that nobody can be asked for.
func (a Auth) identity(ctx context.Context, file string) (ssh.Signer, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("identity file: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return signer, nil
	case !errors.As(err, &locked):
		return nil, fmt.Errorf("identity file %s: %w", file, err)
	case a.Passphrase == nil:
		return nil, nil
	}
	l := &lockedKey{file: file, unlock: func() (ssh.Signer, error) {
		phrase, err := a.Passphrase(ctx, file)
		if err != nil {
			return nil, err
		}
		return ssh.ParsePrivateKeyWithPassphrase(pem, phrase)
	}}
	if l.public = locked.PublicKey; l.public == nil {
		// The old PEM form tells nothing without the passphrase.
		return l.open()
	}
	return l, nil
}

// lockedKey is a key whose passphrase is asked for when it is to sign.
type lockedKey struct {
	file   string
	public ssh.PublicKey
	unlock func() (ssh.Signer, error)
	signer ssh.Signer
}

func (l *lockedKey) open() (ssh.Signer, error) {
	if l.signer == nil {
		s, err := l.unlock()
		if err != nil {
			return nil, fmt.Errorf("identity file %s: %w", l.file, err)
		}
		l.signer = s
	}
	return l.signer, nil
}

func (l *lockedKey) PublicKey() ssh.PublicKey { return l.public }

func (l *lockedKey) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return l.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm is what lets an RSA key sign with SHA-2.
func (l *lockedKey) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	s, err := l.open()
	if err != nil {
		return nil, err
	}
	if with, ok := s.(ssh.AlgorithmSigner); ok && algorithm != "" {
		return with.SignWithAlgorithm(rand, data, algorithm)
	}
	return s.Sign(rand, data)
}
