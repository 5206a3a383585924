package addons

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// Sources give what a manifest holds and the spec only names.
type Sources interface {
	// Secret is the value behind an environment variable or an encrypted file.
	Secret(cluster.Secret) ([]byte, error)
	// File is a file of the cluster's folder, decrypted where its name ends in .age.
	File(name string) ([]byte, error)
	// Kept is something that kbm itself made for the cluster and keeps: see the
	// Kept constants.
	Kept(name string) ([]byte, error)
}

// What kbm makes once for a cluster and gives to its addons.
const (
	KeptPrivateCACert = "private-ca.crt" // PEM
	KeptPrivateCAKey  = "private-ca.key" // PEM
	KeptCookieSecret  = "cookie-secret"  // 32 characters
	KeptMemberlistKey = "memberlist-key" // 32 characters

	// The cluster CA and what it issued for addons that the API server calls, PEM.
	KeptCACert             = "ca.crt"
	KeptMetricsServerCert  = "metrics-server.crt"
	KeptMetricsServerKey   = "metrics-server.key"
	KeptMetalLBWebhookCert = "metallb-webhook.crt"
	KeptMetalLBWebhookKey  = "metallb-webhook.key"
)

// Review is a Sources for people who read manifests: in the place of every
// secret it says where the value comes from.
type Review struct {
	Dir string // the cluster's folder
}

var _ Sources = Review{}

// Secret names the source.
func (Review) Secret(s cluster.Secret) ([]byte, error) {
	if s.Env != "" {
		return []byte("(from the environment variable " + s.Env + ")"), nil
	}
	return origin(s.File), nil
}

// origin stands in the place of what a file holds.
func origin(file string) []byte { return []byte("(from " + file + ")") }

// File reads a file that is not encrypted.
func (r Review) File(name string) ([]byte, error) {
	if strings.HasSuffix(name, ".age") {
		return origin(name), nil
	}
	text, err := os.ReadFile(filepath.Join(r.Dir, name))
	if err != nil {
		return nil, fmt.Errorf("read a file of the cluster's folder: %w", err)
	}
	return text, nil
}

// Kept names what kbm keeps.
func (Review) Kept(name string) ([]byte, error) {
	return []byte("(kbm's own " + name + ")"), nil
}
