package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

// sources give the addons what the spec only names: from the environment, from
// files of the cluster's folder, and from what kbm keeps.
type sources struct {
	dir     string
	getenv  func(string) string
	now     func() time.Time
	decrypt func(sealed []byte) ([]byte, error)
	kept    *pki.Set // nil until it is needed: a check comes before it is made
}

var _ addons.Sources = (*sources)(nil)

// sourceError is a value that cannot be had, and the cure.
type sourceError struct{ wrong, right string }

func (e *sourceError) Error() string { return e.wrong + "; " + e.right }

// Secret is a value without the line end that editors put behind it.
func (s *sources) Secret(secret cluster.Secret) ([]byte, error) {
	if secret.Env != "" {
		value := s.getenv(secret.Env)
		if value == "" {
			return nil, &sourceError{
				"environment variable " + secret.Env + " is not set",
				"set it where kbm runs, or name an age-encrypted file in file",
			}
		}
		return []byte(strings.TrimRight(value, "\r\n")), nil
	}
	value, err := s.File(secret.File)
	if err != nil {
		return nil, err
	}
	if value = bytes.TrimRight(value, "\r\n"); len(value) == 0 {
		return nil, &sourceError{"file " + secret.File + " holds nothing", "encrypt the value to it with age"}
	}
	return value, nil
}

// File reads below the cluster's folder.
func (s *sources) File(name string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return nil, fileError(name, err)
	}
	if !strings.HasSuffix(name, sealedExt) {
		return content, nil
	}
	if content, err = s.decrypt(content); err != nil {
		return nil, &sourceError{
			fmt.Sprintf("file %s cannot be decrypted: %v", name, err),
			"encrypt it with age to a key that you have, and name that key's file in --identity or " + identityEnv,
		}
	}
	return content, nil
}

func fileError(name string, err error) error {
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &sourceError{"file " + name + " does not exist", "the name is relative to the cluster's folder"}
	case errors.As(err, &path):
		err = path.Err // without the whole path, which stands before it
	}
	return &sourceError{fmt.Sprintf("file %s cannot be read: %v", name, err), "let kbm read it"}
}

// Kept gives out what is for addons, and no other key.
func (s *sources) Kept(name string) ([]byte, error) {
	pair := func(n pki.Name) pki.Pair { return s.kept.Get(n) }
	value, known := map[string][]byte{
		addons.KeptPrivateCACert:      pair(pki.PrivateCA).Cert,
		addons.KeptPrivateCAKey:       pair(pki.PrivateCA).Key,
		addons.KeptCookieSecret:       s.kept.CookieSecret,
		addons.KeptMemberlistKey:      s.kept.MemberlistKey,
		addons.KeptCACert:             pair(pki.CA).Cert,
		addons.KeptMetricsServerCert:  pair(pki.MetricsServer).Cert,
		addons.KeptMetricsServerKey:   pair(pki.MetricsServer).Key,
		addons.KeptMetalLBWebhookCert: pair(pki.MetalLBWebhook).Cert,
		addons.KeptMetalLBWebhookKey:  pair(pki.MetalLBWebhook).Key,
	}[name]
	if !known || len(value) == 0 {
		return nil, fmt.Errorf("kbm keeps no %s for this cluster", name)
	}
	return value, nil
}
