package ignition

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// FoundMachine is what a medium makes of a machine. It holds no secret.
type FoundMachine struct {
	Node string `json:"node"`
	// Keys are those by which a stick knows the machine.
	Keys []string `json:"keys,omitempty"`
	// Names are those that the SSH host key is signed for.
	Names []string `json:"names,omitempty"`
	// Files are the paths that it writes.
	Files        []string           `json:"files"`
	Certificates []FoundCertificate `json:"certificates"`
	// Secrets are the paths of private keys and the like.
	Secrets []string `json:"secrets"`
	// ClusterSecrets are there: whoever has the medium has more than the
	// machine's own SSH host key.
	ClusterSecrets bool `json:"clusterSecrets"`

	carried []byte // the list of what the volume carries; nil: nothing
}

// FoundCertificate is a certificate for TLS or SSH.
type FoundCertificate struct {
	Path    string    `json:"path"`
	Subject string    `json:"subject"`
	Names   []string  `json:"names,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // never where it is zero
}

func foundMachine(m Machine) FoundMachine {
	f := FoundMachine{Node: m.Hostname, Files: []string{}, Certificates: []FoundCertificate{}, Secrets: []string{}}
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, file := range m.Files {
		f.Files = append(f.Files, file.Path)
		if file.Path == "/etc/hostname" {
			f.Node = cmp.Or(strings.TrimSpace(string(file.Content)), f.Node)
		}
		if file.Path == carriedFile {
			f.carried = file.Content
		}
		if looksSecret(file) {
			f.Secrets = append(f.Secrets, file.Path)
			f.ClusterSecrets = f.ClusterSecrets || !hostKey.MatchString(file.Path)
		}
		if cert, ok := sshCertificate(file); ok {
			f.Certificates = append(f.Certificates, cert)
			f.Names = cert.Names
			continue
		}
		f.Certificates = append(f.Certificates, certificates(file)...)
	}
	return f
}

// looksSecret goes by what a file is, since a medium does not say: private
// keys, and what encrypts the cluster's store.
func looksSecret(f File) bool {
	return bytes.Contains(f.Content, []byte("PRIVATE KEY-----")) || path.Ext(f.Path) == ".key" ||
		path.Base(f.Path) == "encryption.yaml"
}

func sshCertificate(f File) (FoundCertificate, bool) {
	if !strings.HasSuffix(f.Path, "-cert.pub") {
		return FoundCertificate{}, false
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(f.Content)
	if err != nil {
		return FoundCertificate{}, false
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return FoundCertificate{}, false
	}
	found := FoundCertificate{Path: f.Path, Subject: cert.KeyId, Names: cert.ValidPrincipals}
	if cert.ValidBefore < math.MaxInt64 {
		found.Expires = time.Unix(int64(cert.ValidBefore), 0).UTC()
	}
	return found, true
}

func certificates(f File) []FoundCertificate {
	var all []FoundCertificate
	for rest := f.Content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			continue
		}
		found := FoundCertificate{Path: f.Path, Subject: cert.Subject.String(), Names: slices.Clone(cert.DNSNames), Expires: cert.NotAfter.UTC()}
		for _, ip := range cert.IPAddresses {
			found.Names = append(found.Names, ip.String())
		}
		all = append(all, found)
	}
}
