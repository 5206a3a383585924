package cmd

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kbm-dev/kbm/cluster"
)

// check reads everything that the addons name, so that what is missing is told
// at once, before anything is touched. Its error is cluster.Faults.
func (s *sources) check(c *cluster.Cluster) error {
	faults := cluster.Faults{}
	add := func(path string, err error) {
		var source *sourceError
		if errors.As(err, &source) {
			faults = append(faults, cluster.Fault{File: cluster.File, Path: path, Wrong: source.wrong, Right: source.right})
		}
	}
	for _, secret := range c.Addons.Secrets() {
		_, err := s.Secret(secret.Secret)
		add(secret.Path, err)
	}
	readable := map[string]bool{}
	for _, file := range c.Addons.LocalFiles() {
		err := s.checkFile(file)
		readable[file.Path] = err == nil
		add(file.Path, err)
	}
	for path, check := range s.contents(c) {
		if readable[path] {
			add(path, check())
		}
	}
	if d := c.Addons.DNS; d != nil && d.RFC2136 != nil {
		add("addons.dns.rfc2136.key", s.checkTSIG(d.RFC2136.Key))
	}
	faults.Sort()
	return faults.Err()
}

func (s *sources) checkFile(file cluster.LocatedFile) error {
	info, err := os.Stat(filepath.Join(s.dir, file.Name))
	switch {
	case err != nil:
		return fileError(file.Name, err)
	case info.IsDir() && file.Folder:
		if _, err := fs.ReadDir(os.DirFS(s.dir), filepath.ToSlash(filepath.Clean(file.Name))); err != nil {
			return fileError(file.Name, err)
		}
		return nil
	case info.IsDir():
		return &sourceError{"file " + file.Name + " is a folder", "name a file"}
	}
	_, err = s.File(file.Name)
	return err
}

// contents are the checks of what files hold, by the path of the setting.
func (s *sources) contents(c *cluster.Cluster) map[string]func() error {
	checks := map[string]func() error{}
	authorities := func(path, name string) {
		if name != "" {
			checks[path] = func() error { return s.checkAuthorities(name) }
		}
	}
	if certs := c.Addons.Certs; certs != nil {
		for i, issuer := range certs.Issuers {
			authorities(fmt.Sprintf("addons.certs.issuers[%d].caFile", i), issuer.CAFile)
		}
	}
	if auth := c.Addons.Auth; auth != nil {
		authorities("addons.auth.caFile", auth.CAFile)
	}
	if extra := c.Addons.Extra; extra != nil {
		for i, pair := range extra.TLS {
			checks[fmt.Sprintf("addons.extra.tls[%d].key", i)] = func() error { return s.checkPair(pair) }
		}
	}
	return checks
}

func (s *sources) checkAuthorities(name string) error {
	text, err := s.File(name)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
		return &sourceError{"file " + name + " holds no certificate", "name a file of certificates in PEM"}
	}
	return err
}

// checkPair says nothing of a certificate that cannot be read: that is a fault
// of its own.
func (s *sources) checkPair(pair cluster.TLSSecret) error {
	cert, err := s.File(pair.Cert)
	if err != nil {
		return nil
	}
	key, err := s.File(pair.Key)
	if err != nil {
		return err
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		// The library's words: they tell of no byte of the key.
		return &sourceError{
			fmt.Sprintf("file %s is not the key of %s (%v)", pair.Key, pair.Cert, err), "name a certificate and its own key, both in PEM",
		}
	}
	return nil
}

// checkTSIG says nothing of a value that is not there, likewise.
func (s *sources) checkTSIG(secret cluster.Secret) error {
	key, err := s.Secret(secret)
	if err != nil {
		return nil
	}
	if _, err := base64.StdEncoding.DecodeString(string(key)); err != nil {
		return &sourceError{"the value is not base64", "take the secret of the key as tsig-keygen prints it"}
	}
	return nil
}
