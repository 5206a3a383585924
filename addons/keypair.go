package addons

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// keyPairData is a certificate and its key as the data of a Secret.
type keyPairData struct{ Cert, Key string }

// keyPair reads a certificate and its key. A web server that was given two that
// do not belong together shows a certificate of its own making instead.
func (v values) keyPair(certFile, keyFile string) (keyPairData, error) {
	cert, err := v.sources.File(certFile)
	if err != nil {
		return keyPairData{}, asValueError(err)
	}
	key, err := v.sources.File(keyFile)
	if err != nil {
		return keyPairData{}, asValueError(err)
	}
	if !v.hidden(certFile) && !v.hidden(keyFile) {
		if _, err := tls.X509KeyPair(cert, key); err != nil {
			return keyPairData{}, asValueError(fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err))
		}
	}
	if v.reviewed() {
		key = origin(keyFile)
	}
	data := keyPairData{}
	data.Cert, _ = inBase64(cert, nil)
	data.Key, _ = inBase64(key, nil)
	return data, nil
}

// reviewed tells whether people are to read what is rendered: they are shown
// where a secret comes from.
func (v values) reviewed() bool {
	_, review := v.sources.(Review)
	return review
}

// hidden tells whether a file cannot be read by whoever renders.
func (v values) hidden(name string) bool { return v.reviewed() && strings.HasSuffix(name, ".age") }

// CheckExpiry refuses a certificate (PEM, its chain behind it) that has run out.
func CheckExpiry(chain []byte, now time.Time) error {
	block, _ := pem.Decode(chain)
	if block == nil {
		return errors.New("it holds no certificate in PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	if now.After(cert.NotAfter) {
		return fmt.Errorf("it has run out on %s", cert.NotAfter.UTC().Format(time.DateOnly))
	}
	return nil
}
