package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// algorithm is a kind of X.509 key, in the spec's words.
type algorithm string

const defaultAlgorithm algorithm = "ecdsa-p256"

func (a algorithm) orDefault() algorithm {
	if a == "" {
		return defaultAlgorithm
	}
	return a
}

func (a algorithm) generate(rand io.Reader) (crypto.Signer, error) {
	switch a.orDefault() {
	case "ecdsa-p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand)
	case "ecdsa-p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand)
	case "rsa-2048":
		return rsa.GenerateKey(rand, 2048)
	case "rsa-3072":
		return rsa.GenerateKey(rand, 3072)
	case "rsa-4096":
		return rsa.GenerateKey(rand, 4096)
	}
	return nil, fmt.Errorf("pki.algorithm %q is not known: use ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096", a)
}

// algorithmOf names a public key's algorithm; what the spec cannot ask for
// gets a name too, so that it can be told in a message.
func algorithmOf(pub crypto.PublicKey) algorithm {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		return algorithm("ecdsa-" + strings.ToLower(strings.ReplaceAll(k.Curve.Params().Name, "-", "")))
	case *rsa.PublicKey:
		return algorithm("rsa-" + strconv.Itoa(k.N.BitLen()))
	}
	return algorithm(fmt.Sprintf("%T", pub))
}

func marshalKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func marshalPublic(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

var errNotKey = errors.New("not a PEM private key (PKCS#8, PKCS#1 or SEC 1)")

// parseKey reads kbm's own PKCS#8 and, for imports, the forms that kubeadm and
// openssl write. Parse errors are not passed on: they may quote the key.
func parseKey(content []byte) (crypto.Signer, error) {
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return nil, errNotKey
		}
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "EC PARAMETERS": // openssl ecparam -genkey writes it before the key
			continue
		default:
			return nil, errNotKey
		}
		signer, ok := key.(crypto.Signer)
		if err != nil || !ok {
			return nil, errNotKey
		}
		return signer, nil
	}
}

func parseCert(content []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("not a PEM certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("not a valid certificate: %w", err)
	}
	return cert, nil
}

func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

func parsePublic(content []byte) (crypto.PublicKey, error) {
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("not a PEM public key")
	}
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("not a valid public key: %w", err)
	}
	return pub, nil
}
