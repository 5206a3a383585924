package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// HostKeys says which host keys are trusted. Any of the three is enough; with
// none of them no machine is.
type HostKeys struct {
	// Authority is the cluster's SSH host CA, an authorized_keys line. It
	// vouches for a certificate that names the node.
	Authority []byte
	// Fingerprint is SHA256:… of an adopted machine's key.
	Fingerprint string
	// KnownHosts are files in OpenSSH's form, for jump hosts.
	KnownHosts []string
}

// errHostKey is the cause of every HostKey failure, so that it can be told
// from the others after x/crypto has wrapped it.
var errHostKey = errors.New("host key not trusted")

// verifier checks the keys of one machine and remembers what it was shown.
type verifier struct {
	name, address string
	fingerprint   string
	checker       *ssh.CertChecker
	known         ssh.HostKeyCallback
	seen          []string // fingerprints
}

func (h HostKeys) verifier(name, address string) (*verifier, error) {
	v := &verifier{name: name, address: address, fingerprint: h.Fingerprint}
	if len(h.Authority) > 0 {
		authority, _, _, _, err := ssh.ParseAuthorizedKey(h.Authority)
		if err != nil {
			return nil, fmt.Errorf("the SSH host CA's public key: %w", err)
		}
		v.checker = &ssh.CertChecker{IsHostAuthority: func(key ssh.PublicKey, _ string) bool {
			return bytes.Equal(key.Marshal(), authority.Marshal())
		}}
	}
	if len(h.KnownHosts) > 0 {
		known, err := knownhosts.New(h.KnownHosts...)
		if err != nil {
			return nil, fmt.Errorf("known hosts: %w", err)
		}
		v.known = known
	}
	return v, nil
}

// check is the ssh.HostKeyCallback.
func (v *verifier) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	plain := key
	cert, certified := key.(*ssh.Certificate)
	if certified {
		plain = cert.Key
	}
	print := ssh.FingerprintSHA256(plain)
	if v.fingerprint != "" && print == v.fingerprint {
		return nil
	}
	if !slices.Contains(v.seen, print) {
		v.seen = append(v.seen, print)
	}
	var reason error
	if certified && v.checker != nil {
		// CheckHostKey compares the certificate's principals with the host
		// part of an address: the node's name stands in for it.
		if reason = v.checker.CheckHostKey(net.JoinHostPort(v.name, "22"), remote, key); reason == nil {
			return nil
		}
	}
	if v.known != nil {
		if reason = v.known(v.address, remote, key); reason == nil {
			return nil
		}
	}
	if reason == nil {
		reason = errors.New(v.expected())
	}
	return fmt.Errorf("%w: %s, but %w", errHostKey, v.shown(), reason)
}

// explain puts an error of the handshake into words where x/crypto answers with
// lists of algorithms.
func (v *verifier) explain(err error) error {
	var none *ssh.AlgorithmNegotiationError
	switch {
	case !errors.As(err, &none) || !strings.Contains(err.Error(), "host key"):
		return err
	case len(v.seen) > 0: // in an earlier attempt: this one asked for another kind of key
		return fmt.Errorf("%w: %s, but %s", errHostKey, v.shown(), v.expected())
	}
	return fmt.Errorf("%w: %s, and it has none", errHostKey, v.expected())
}

// shown are the keys of all attempts: a person has read one of them elsewhere.
func (v *verifier) shown() string { return "it shows " + strings.Join(v.seen, ", ") }

func (v *verifier) expected() string {
	var want []string
	if v.checker != nil {
		want = append(want, "a certificate of the cluster's SSH host CA for "+v.name)
	}
	if v.fingerprint != "" {
		want = append(want, v.fingerprint)
	}
	if len(want) == 0 {
		return "no key is trusted for it"
	}
	return "trusted is " + strings.Join(want, " or ")
}

// algorithms lists what the server may show, one list an attempt: a server has
// a key of each kind and shows the first that both know, while a fingerprint
// does not tell its kind.
func (v *verifier) algorithms() [][]string {
	if v.fingerprint == "" && v.known != nil {
		return [][]string{v.knownAlgorithms()}
	}
	var certs []string
	if v.checker != nil {
		certs = certAlgorithms()
	}
	if v.fingerprint == "" {
		return [][]string{certs}
	}
	attempts := keyAlgorithms()
	attempts[0] = append(certs, attempts[0]...)
	return attempts
}

// knownAlgorithms are those of the keys that known_hosts has for the address.
// The file's package tells them only in the error for a wrong key.
func (v *verifier) knownAlgorithms() []string {
	var unknown *knownhosts.KeyError
	if !errors.As(v.known(v.address, &net.TCPAddr{}, noKey{}), &unknown) {
		return nil
	}
	var algorithms []string
	for _, want := range unknown.Want {
		for _, family := range keyAlgorithms() {
			if slices.Contains(family, want.Key.Type()) || want.Key.Type() == ssh.KeyAlgoRSA && family[0] == ssh.KeyAlgoRSASHA512 {
				algorithms = append(algorithms, family...)
			}
		}
	}
	return algorithms
}

// noKey is a key that no file lists.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errHostKey }

func keyAlgorithms() [][]string {
	return [][]string{
		{ssh.KeyAlgoED25519},
		{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
		{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
	}
}

func certAlgorithms() []string {
	return []string{
		ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
		ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
	}
}
