//go:build lab

package e2e

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// The servers' addresses. Names lead to them: acme and sso in example.com.
const (
	acmeAddress  = harness.Gateway + ":14000"
	acmeManaging = harness.Gateway + ":15000"
	ssoAddress   = harness.Gateway + ":5556"

	acmeURL = "https://acme.example.com:14000/dir"
	ssoURL  = "https://sso.example.com:5556/dex"
)

const pebbleConfig = `{"pebble": {
	"listenAddress": %q,
	"managementListenAddress": %q,
	"certificate": %q,
	"privateKey": %q,
	"httpPort": 80,
	"tlsPort": 443,
	"ocspResponderURL": "",
	"externalAccountBindingRequired": false
}}`

// startACME starts pebble, the ACME server that the makers of Let's Encrypt
// test clients with, and returns the file of the root that it signs with.
// It asks the test's name server for the names that it is to prove.
func startACME(t *testing.T, c *harness.Cluster) (root string) {
	t.Helper()
	ca, cert, key := serversCA(t, c)
	config := c.Outside(t, "pebble.json")
	once(t, config, func() string { return fmt.Sprintf(pebbleConfig, acmeAddress, acmeManaging, cert, key) })
	// Without these, pebble dawdles and refuses at random, to exercise clients.
	calm := []string{"env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0"}
	c.Serve(t, "pebble", acmeAddress, append(calm, "pebble", "-config", config, "-dnsserver", nameServer)...)
	root = c.Outside(t, "acme-root.pem")
	got := browse(t, c, trusting(t, ca)).want(t, "https://acme.example.com:15000/roots/0", 200)
	if err := os.WriteFile(root, []byte(got.body), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// A person whom the provider knows. The hash is bcrypt's.
const (
	person   = "ann@example.com"
	password = "correct horse"
)

const dexConfig = `
issuer: %[1]s
storage: {type: memory}
web: {https: %[2]s, tlsCert: %[3]s, tlsKey: %[4]s}
oauth2: {skipApprovalScreen: true}
enablePasswordDB: true
staticClients:
- id: kbm
  name: kbm
  secret: %[5]s
  redirectURIs: [%[6]s]
staticPasswords:
- {email: %[7]s, hash: %[8]q, username: ann, userID: "1"}
`

// startSSO starts dex, an OpenID Connect provider, for sign-ins at the hosts. It
// returns the secret of the client that it knows.
func startSSO(t *testing.T, c *harness.Cluster, hosts ...string) (secret string) {
	t.Helper()
	_, cert, key := serversCA(t, c)
	secret = once(t, c.Outside(t, "client-secret"), newKey)
	config := c.Outside(t, "dex.yaml")
	callbacks := ""
	for _, host := range hosts {
		callbacks += "https://" + host + "/oauth2/callback, "
	}
	once(t, config, func() string {
		return fmt.Sprintf(dexConfig, ssoURL, ssoAddress, cert, key, secret, callbacks, person, hashed(t, password))
	})
	c.Serve(t, "dex", ssoAddress, "dex", "serve", config)
	return secret
}

func hashed(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}
