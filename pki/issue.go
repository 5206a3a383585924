package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"time"
)

// request is what a certificate shall say.
type request struct {
	cn        string
	orgs      []string
	sans      []string // DNS names and addresses, sorted
	usage     []x509.ExtKeyUsage
	algorithm algorithm
	life      time.Duration
	ca        bool
}

// authority is a CA that is ready to sign.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// notAfter is when a certificate issued now ends: never after its signer, for
// verifiers reject what outlives it.
func (r request) notAfter(ca *authority, now time.Time) time.Time {
	end := now.Add(r.life).UTC().Truncate(time.Second)
	if ca != nil && ca.cert.NotAfter.Before(end) {
		return ca.cert.NotAfter
	}
	return end
}

// issue makes a key and its certificate. A nil ca signs with the key itself.
func issue(r request, ca *authority, now time.Time, rand io.Reader) (Pair, error) {
	key, err := r.algorithm.generate(rand)
	if err != nil {
		return Pair{}, err
	}
	pair := Pair{}
	if pair.Key, err = marshalKey(key); err != nil {
		return Pair{}, err
	}
	pair.Cert, err = certify(r, key, ca, now, rand)
	return pair, err
}

// certify signs a certificate for a key that is there already.
func certify(r request, key crypto.Signer, ca *authority, now time.Time, rand io.Reader) ([]byte, error) {
	serial := make([]byte, 16)
	if _, err := io.ReadFull(rand, serial); err != nil {
		return nil, fmt.Errorf("read a random serial number: %w", err)
	}
	serial[0] |= 1 // never zero; the set bit costs a little randomness only
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial),
		Subject:               pkix.Name{CommonName: r.cn, Organization: r.orgs},
		NotBefore:             now.Add(-backdate).UTC(),
		NotAfter:              r.notAfter(ca, now),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           r.usage,
		BasicConstraintsValid: true,
		IsCA:                  r.ca,
	}
	if r.ca {
		template.KeyUsage |= x509.KeyUsageCertSign
	}
	for _, san := range r.sans {
		if ip, err := netip.ParseAddr(san); err == nil {
			template.IPAddresses = append(template.IPAddresses, net.IP(ip.AsSlice()))
		} else {
			template.DNSNames = append(template.DNSNames, san)
		}
	}
	parent, signer := template, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("sign certificate %s: %w", r.cn, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// Client issues a client certificate of the cluster CA that is stored nowhere:
// kbm's own way in, short-lived. The algorithm is the fastest one, whatever the
// spec asks of the certificates that stay.
func (s *Set) Client(cn string, orgs []string, ttl time.Duration, now time.Time, rand io.Reader) (Pair, error) {
	ca, err := parseAuthority(s.Get(CA))
	if err != nil {
		return Pair{}, fmt.Errorf("cluster CA: %w", err)
	}
	return issue(request{cn: cn, orgs: orgs, usage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, life: ttl}, ca, now, rand)
}

func parseAuthority(p Pair) (*authority, error) {
	cert, err := parseCert(p.Cert)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(p.Key)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key}, nil
}
