package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stale says why a certificate has to be issued anew, or "" when it may stay.
func (r request) stale(cert *x509.Certificate, ca *authority, now time.Time) string {
	switch {
	case cert.Subject.CommonName != r.cn:
		return fmt.Sprintf("names %s, not %s", cert.Subject.CommonName, r.cn)
	case !sameSet(cert.Subject.Organization, r.orgs):
		return "its organisation is " + listed(cert.Subject.Organization) + ", not " + listed(r.orgs)
	case !sameSet(cert.ExtKeyUsage, r.usage):
		return "its key usages differ"
	case algorithmOf(cert.PublicKey) != r.algorithm.orDefault():
		return fmt.Sprintf("its key is %s, not %s", algorithmOf(cert.PublicKey), r.algorithm.orDefault())
	case cert.CheckSignatureFrom(ca.cert) != nil:
		return "signed by another CA"
	}
	if diff := difference(sansOf(cert), r.sans); diff != "" {
		return diff
	}
	return r.expiring(cert, ca, now)
}

// expiring says that less than a fifth of the life is left: ten weeks of a
// year. Where the signer ends just as soon a new one would gain nothing.
func (r request) expiring(cert *x509.Certificate, ca *authority, now time.Time) string {
	left := cert.NotAfter.Sub(now)
	if left > r.life/5 || !r.notAfter(ca, now).After(cert.NotAfter) {
		return ""
	}
	return expiry(cert.NotAfter, now)
}

// expiry tells people when: "expires in 12 days", "expired 3 days ago".
func expiry(end, now time.Time) string {
	if left := end.Sub(now); left > 0 {
		return fmt.Sprintf("expires in %d days", int(left/day))
	}
	return fmt.Sprintf("expired %d days ago", int(now.Sub(end)/day))
}

// checkCA says what makes a pair useless as a CA.
func checkCA(p Pair, now time.Time) (*authority, error) {
	cert, err := parseCert(p.Cert)
	if err != nil {
		return nil, err
	}
	switch {
	case !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, fmt.Errorf("%s is not the certificate of a CA", cert.Subject.CommonName)
	case !now.Before(cert.NotAfter):
		return nil, fmt.Errorf("%s on %s", expiry(cert.NotAfter, now), cert.NotAfter.Format(time.DateOnly))
	}
	key, err := parseKey(p.Key)
	if err != nil {
		return nil, fmt.Errorf("its key is %w", err)
	}
	if !samePublic(cert.PublicKey, key.Public()) {
		return nil, errors.New("its key belongs to another certificate")
	}
	return &authority{cert: cert, key: key}, nil
}

func sansOf(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	return distinct(names)
}

// difference tells two sorted lists of names apart: "adds a; drops b".
func difference(old, want []string) string {
	var parts []string
	if added := without(want, old); len(added) > 0 {
		parts = append(parts, "adds "+listed(added))
	}
	if dropped := without(old, want); len(dropped) > 0 {
		parts = append(parts, "drops "+listed(dropped))
	}
	return strings.Join(parts, "; ")
}

func without(list, drop []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(drop, s) })
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func sameSet[T comparable](a, b []T) bool {
	in := func(list []T) func(T) bool {
		return func(v T) bool { return !slices.Contains(list, v) }
	}
	return len(a) == len(b) && !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}
