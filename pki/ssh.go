package pki

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/kbm-dev/kbm/cluster"
)

var errNotSSHKey = errors.New("not an OpenSSH private key without a passphrase")

// newSSHKey makes an Ed25519 key; the comment ends both the private and the
// public form.
func newSSHKey(comment string, rand io.Reader) (SSHKey, ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand)
	if err != nil {
		return SSHKey{}, nil, fmt.Errorf("make an SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(key, comment)
	if err != nil {
		return SSHKey{}, nil, fmt.Errorf("write an SSH key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return SSHKey{}, nil, fmt.Errorf("use an SSH key: %w", err)
	}
	return SSHKey{Private: pem.EncodeToMemory(block), Public: publicLine(signer.PublicKey(), comment)}, signer, nil
}

// parseSSHPrivate drops the parser's error: it may quote the key.
func parseSSHPrivate(content []byte) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(content)
	if err != nil {
		return nil, errNotSSHKey
	}
	return signer, nil
}

func publicLine(key ssh.PublicKey, comment string) []byte {
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	return []byte(line + " " + comment + "\n")
}

// sshRequest is what an SSH certificate shall say.
type sshRequest struct {
	kind        uint32 // ssh.HostCert or ssh.UserCert
	id          string
	principals  []string
	validBefore uint64
	permissions ssh.Permissions
}

func signSSH(r sshRequest, key ssh.PublicKey, ca ssh.Signer, rand io.Reader) ([]byte, error) {
	serial := make([]byte, 8)
	if _, err := io.ReadFull(rand, serial); err != nil {
		return nil, fmt.Errorf("read a random serial number: %w", err)
	}
	cert := &ssh.Certificate{
		Key:             key,
		Serial:          binary.BigEndian.Uint64(serial),
		CertType:        r.kind,
		KeyId:           r.id,
		ValidPrincipals: r.principals,
		ValidBefore:     r.validBefore,
		Permissions:     r.permissions,
	}
	if err := cert.SignCert(rand, ca); err != nil {
		return nil, fmt.Errorf("sign the SSH certificate of %s: %w", r.id, err)
	}
	return publicLine(cert, r.id), nil
}

// SSHUser makes a key and a user certificate for the principal (a login name),
// in memory: what kbm logs in with. The certificate holds from the beginning
// of time, for the key did not exist before and a machine without a clock
// battery boots in the past; it ends ttl after now.
func (s *Set) SSHUser(principal string, ttl time.Duration, now time.Time, rand io.Reader) (SSHKey, error) {
	ca, err := parseSSHPrivate(s.SSHUserCA.Private)
	if err != nil {
		return SSHKey{}, fmt.Errorf("%s is %w", shown(sshUserCA), err)
	}
	key, signer, err := newSSHKey("kbm", rand)
	if err != nil {
		return SSHKey{}, err
	}
	key.Certificate, err = signSSH(sshRequest{
		kind: ssh.UserCert, id: "kbm", principals: []string{principal},
		validBefore: uint64(now.Add(ttl).Unix()),
		permissions: ssh.Permissions{Extensions: map[string]string{
			"permit-pty": "", "permit-port-forwarding": "",
		}},
	}, signer.PublicKey(), ca, rand)
	return key, err
}

// KnownHosts is the known_hosts line by which ssh trusts the cluster's host CA
// for the given hosts, patterns as in sshd(8). None means every host.
func (s *Set) KnownHosts(patterns ...string) []byte {
	return knownHosts(s.SSHHostCA.Public, patterns)
}

// KnownHosts is that line for the names and addresses of all nodes. It reads
// the public key of the host CA only.
func KnownHosts(store Store, c *cluster.Cluster) ([]byte, error) {
	public, err := store.Read(sshHostCA + ".pub")
	if err != nil {
		return nil, fmt.Errorf("read the SSH host CA: %w", err)
	}
	if public == nil {
		return nil, fmt.Errorf("%s.pub is missing: kbm render makes it", shown(sshHostCA))
	}
	var patterns []string
	for i := range c.Nodes {
		n := &c.Nodes[i]
		for _, host := range hostNames(n) {
			patterns = append(patterns, knownhosts.Normalize(net.JoinHostPort(host, strconv.Itoa(c.SSHOf(n).Port))))
		}
	}
	if len(patterns) == 0 {
		return nil, errors.New("the cluster has no nodes yet: add one with kbm add-node")
	}
	return knownHosts(public, patterns), nil
}

func knownHosts(ca []byte, patterns []string) []byte {
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	return []byte("@cert-authority " + strings.Join(patterns, ",") + " " + string(ca))
}
