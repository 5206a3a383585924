package pki

import (
	"bytes"
	"slices"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// What an addon needs of the PKI comes when the addon does, to a cluster that
// runs already, and goes on being the same.
func TestAnAddonsRootsComeWithTheAddon(t *testing.T) {
	c := testCluster(t)
	c.Addons = cluster.Addons{}
	if set := mustEnsure(t, c, now); set.CookieSecret != nil || set.MemberlistKey != nil || set.Get(PrivateCA).Cert != nil {
		t.Error("there are roots of addons that are off")
	}
	c.Addons.Auth = &cluster.Auth{}
	c.Addons.Certs = &cluster.Certs{Issuers: []cluster.Issuer{{Name: "lan", PrivateCA: true}}}
	first := mustEnsure(t, c, now)
	if got, want := changed(first), []string{"pki/private-ca.crt: new", "pki/cookie-secret.key: new"}; !slices.Equal(got, want) {
		t.Errorf("turned on, they bring %q, want %q", got, want)
	}
	if ca := cert(t, first.Get(PrivateCA)); ca.Subject.String() != "CN=home private CA" || !ca.IsCA || len(ca.DNSNames) > 0 {
		t.Errorf("got %s, names %v", ca.Subject, ca.DNSNames)
	}
	if len(first.CookieSecret) != 32 {
		t.Errorf("a cookie secret of %d characters, and AES has no such key", len(first.CookieSecret))
	}
	c.Addons.LoadBalancer = &cluster.LoadBalancer{}
	if key := mustEnsure(t, c, now).MemberlistKey; len(key) != 32 || bytes.Equal(key, first.CookieSecret) {
		t.Errorf("a memberlist key of %d characters", len(key))
	}
	second := mustEnsure(t, c, now)
	if len(second.Changes) > 0 || !bytes.Equal(first.CookieSecret, second.CookieSecret) {
		t.Errorf("a second run changes %v", second.Changes)
	}
}
