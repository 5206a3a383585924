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
	"time"

	"github.com/kbm-dev/kbm/addons"
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
	// holds reads a file for a check, whose error has the cure to it.
	holds := func(path, name, cure string, check func([]byte) error) {
		checks[path] = func() error {
			text, err := s.File(name)
			if err != nil {
				return err
			}
			if err := check(text); err != nil {
				return &sourceError{fmt.Sprintf("file %s: %v", name, err), cure}
			}
			return nil
		}
	}
	const authorities = "name a file of certificates in PEM"
	if certs := c.Addons.Certs; certs != nil {
		for i, issuer := range certs.Issuers {
			holds(fmt.Sprintf("addons.certs.issuers[%d].caFile", i), issuer.CAFile, authorities, checkAuthorities)
		}
	}
	if auth := c.Addons.Auth; auth != nil {
		holds("addons.auth.caFile", auth.CAFile, authorities, checkAuthorities)
	}
	if extra := c.Addons.Extra; extra != nil {
		for i, pair := range extra.TLS {
			path := fmt.Sprintf("addons.extra.tls[%d]", i)
			holds(path+".cert", pair.Cert, "name a certificate that is valid, in PEM", func(chain []byte) error {
				return addons.CheckExpiry(chain, s.now())
			})
			holds(path+".key", pair.Key, "name the key of "+pair.Cert+", in PEM", func(key []byte) error {
				return s.checkPair(pair.Cert, key)
			})
		}
		for i, users := range extra.HTPasswd {
			holds(fmt.Sprintf("addons.extra.htpasswd[%d].file", i), users.File, "write it with htpasswd -B", addons.CheckHTPasswd)
		}
	}
	return checks
}

func checkAuthorities(text []byte) error {
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return errors.New("it holds no certificate in PEM")
	}
	return nil
}

// checkPair says nothing of a certificate that cannot be read: that is a fault
// of its own.
func (s *sources) checkPair(certFile string, key []byte) error {
	cert, err := s.File(certFile)
	if err != nil || addons.CheckExpiry(cert, time.Time{}) != nil {
		return nil
	}
	_, err = tls.X509KeyPair(cert, key) // its words tell no byte of the key
	return err
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
