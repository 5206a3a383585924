package pki

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"
)

// Passphrase asks a person for the passphrase of the named file.
type Passphrase func(file string) ([]byte, error)

// ParseIdentities reads the content of an identity file: age identities as
// age-keygen writes them, the same encrypted with a passphrase, or an OpenSSH
// private key. The file's name is for messages; ask is called only where there
// is a passphrase.
func ParseIdentities(file string, content []byte, ask Passphrase) ([]age.Identity, error) {
	if bytes.HasPrefix(content, []byte(armor.Header)) || bytes.HasPrefix(content, []byte("age-encryption.org/")) {
		plain, err := openIdentities(file, content, ask)
		if err != nil {
			return nil, err
		}
		content = plain
	}
	if bytes.Contains(content, []byte("-----BEGIN")) {
		id, err := sshIdentity(file, content, ask)
		if err != nil {
			return nil, err
		}
		return []age.Identity{id}, nil
	}
	// The parser's error is dropped: it may quote a line of secrets.
	ids, err := age.ParseIdentities(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s is neither an age identity (AGE-SECRET-KEY-1…) nor an SSH private key", file)
	}
	return ids, nil
}

func openIdentities(file string, content []byte, ask Passphrase) ([]byte, error) {
	passphrase, err := ask(file)
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, fmt.Errorf("%s: the passphrase is empty", file)
	}
	var in io.Reader = bytes.NewReader(content)
	if bytes.HasPrefix(content, []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	r, err := age.Decrypt(in, id)
	if err != nil {
		return nil, fmt.Errorf("%s: the passphrase is wrong, or the file is damaged: %w", file, err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", file, err)
	}
	return plain, nil
}

func sshIdentity(file string, content []byte, ask Passphrase) (age.Identity, error) {
	id, err := agessh.ParseIdentity(content)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return id, nil
	case !errors.As(err, &locked):
		return nil, fmt.Errorf("%s is not an Ed25519 or RSA private key of SSH", file)
	}
	passphrase, err := ask(file)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParseRawPrivateKeyWithPassphrase(content, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: the passphrase is wrong, or the file is damaged", file)
	}
	switch key := key.(type) {
	case *ed25519.PrivateKey:
		return agessh.NewEd25519Identity(*key)
	case *rsa.PrivateKey:
		return agessh.NewRSAIdentity(key)
	}
	return nil, fmt.Errorf("%s is not an Ed25519 or RSA private key of SSH", file)
}
