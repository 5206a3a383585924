package pki

import (
	"bytes"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/cluster"
)

// sshCA ensures one of the two SSH CAs; use is host or user.
func (e *ensurer) sshCA(b *batch, at, use, begun string) (SSHKey, error) {
	private, err := e.store.Read(at)
	if err != nil {
		return SSHKey{}, err
	}
	if private == nil && begun != "" {
		return SSHKey{}, lost(at, begun)
	}
	key, _, err := e.sshKey(b, at, private, fmt.Sprintf("kbm %s %s CA", e.cluster.Name, use))
	if err != nil {
		return SSHKey{}, fmt.Errorf("%w: %s", err, restore)
	}
	return key, nil
}

// sshKey completes a stored private key, or makes one where that is nil. The
// public key follows from it, so it is written again whenever it differs.
func (e *ensurer) sshKey(b *batch, at string, private []byte, comment string) (SSHKey, ssh.Signer, error) {
	if private == nil {
		key, signer, err := newSSHKey(comment, e.rand)
		if err == nil {
			b.add("new", File{at, key.Private}, File{at + ".pub", key.Public})
		}
		return key, signer, err
	}
	signer, err := parseSSHPrivate(private)
	if err != nil {
		return SSHKey{}, nil, fmt.Errorf("%s is %w", shown(at), err)
	}
	public, err := e.store.Read(at + ".pub")
	if err != nil {
		return SSHKey{}, nil, err
	}
	key := SSHKey{Private: private, Public: public}
	if stored, _, _, _, err := ssh.ParseAuthorizedKey(public); err != nil || !sameSSH(stored, signer.PublicKey()) {
		key.Public = publicLine(signer.PublicKey(), comment)
		b.add("did not match its private key", File{at + ".pub", key.Public})
	}
	return key, signer, nil
}

// sshHost ensures a node's host key and its certificate. A new name signs the
// key again; the key itself stays, so that nobody sees a changed machine.
func (e *ensurer) sshHost(b *batch, n *cluster.Node) (SSHKey, error) {
	at := base(sshHostKey, n.Name)
	private, err := e.store.Read(at)
	if err != nil {
		return SSHKey{}, err
	}
	key, signer, err := e.sshKey(b, at, private, n.Name)
	if err != nil {
		return SSHKey{}, fmt.Errorf("%w: remove it, and kbm makes a new one", err)
	}
	certAt := at + "-cert.pub"
	if key.Certificate, err = e.store.Read(certAt); err != nil {
		return SSHKey{}, err
	}
	principals := hostNames(n)
	why := e.hostCertStale(key.Certificate, signer.PublicKey(), principals)
	if why == "" {
		return key, nil
	}
	// The certificate never expires: were it to, kbm could no longer reach the
	// machine to renew it. The lost key of a machine is answered by a new one.
	key.Certificate, err = signSSH(sshRequest{
		kind: ssh.HostCert, id: n.Name, principals: principals, validBefore: ssh.CertTimeInfinity,
	}, signer.PublicKey(), e.hostCA, e.rand)
	if err != nil {
		return SSHKey{}, err
	}
	b.add(why, File{certAt, key.Certificate})
	return key, nil
}

// hostNames are the names that somebody may reach a node at.
func hostNames(n *cluster.Node) []string {
	return distinct([]string{n.Name, n.IP().String(), n.SSH.Host})
}

func (e *ensurer) hostCertStale(line []byte, key ssh.PublicKey, principals []string) string {
	if line == nil {
		return "new"
	}
	parsed, _, _, _, err := ssh.ParseAuthorizedKey(line)
	cert, ok := parsed.(*ssh.Certificate)
	if err != nil || !ok || cert.CertType != ssh.HostCert || !sameSSH(cert.Key, key) {
		return "is not a certificate of the host key"
	}
	if diff := difference(distinct(cert.ValidPrincipals), principals); diff != "" {
		return diff
	}
	checker := ssh.CertChecker{
		Clock:           func() time.Time { return e.now },
		IsHostAuthority: func(ca ssh.PublicKey, _ string) bool { return sameSSH(ca, e.hostCA.PublicKey()) },
	}
	if !sameSSH(cert.SignatureKey, e.hostCA.PublicKey()) {
		return "signed by another CA"
	}
	if err := checker.CheckCert(principals[0], cert); err != nil {
		return err.Error()
	}
	return ""
}

func sameSSH(a, b ssh.PublicKey) bool {
	return a != nil && b != nil && bytes.Equal(a.Marshal(), b.Marshal())
}
