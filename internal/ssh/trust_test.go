package ssh

import (
	"context"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// attempt connects and compares why it failed, or that it did not.
func attempt(t *testing.T, o Options, want Reason) {
	t.Helper()
	client, err := Connect(t.Context(), o)
	if client != nil {
		_ = client.Close()
	}
	if reasonOf(err) != want || (err == nil) != (want == "") {
		t.Errorf("got %v", err)
	}
}

func TestHostKeys(t *testing.T) {
	d := startDaemon(t)
	other, _ := signer(t)
	otherCA := ssh.MarshalAuthorizedKey(other.PublicKey())
	fingerprint := ssh.FingerprintSHA256(d.hostKey.PublicKey())
	cases := map[string]struct {
		change func(*Options)
		want   Reason
	}{
		"certificate":               {func(*Options) {}, ""},
		"certificate of another":    {func(o *Options) { o.Name = "w1" }, HostKey},
		"certificate of another CA": {func(o *Options) { o.HostKeys.Authority = otherCA }, HostKey},
		"fingerprint":               {func(o *Options) { o.HostKeys = HostKeys{Fingerprint: fingerprint} }, ""},
		"fingerprint beside a CA":   {func(o *Options) { o.HostKeys = HostKeys{Authority: otherCA, Fingerprint: fingerprint} }, ""},
		"wrong fingerprint":         {func(o *Options) { o.HostKeys = HostKeys{Fingerprint: "SHA256:AAAA"} }, HostKey},
		"nothing trusted":           {func(o *Options) { o.HostKeys = HostKeys{} }, HostKey},
		"known host":                {func(o *Options) { o.HostKeys = HostKeys{KnownHosts: []string{d.knownHosts(t, d.hostKey)}} }, ""},
		"another known host":        {func(o *Options) { o.HostKeys = HostKeys{KnownHosts: []string{d.knownHosts(t, other)}} }, HostKey},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := d.options(t, "root")
			c.change(&o)
			attempt(t, o, c.want)
		})
	}
}

// Both fingerprints are told: a person compares them, and finds the right one.
func TestWrongFingerprintIsCompared(t *testing.T) {
	d := startDaemon(t)
	o := d.options(t, "root")
	o.HostKeys = HostKeys{Fingerprint: "SHA256:AAAA"}
	_, err := Connect(t.Context(), o)
	want := "it shows " + ssh.FingerprintSHA256(d.hostKey.PublicKey()) + ", but trusted is SHA256:AAAA; "
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// knownHosts writes a file that knows the daemon by this key.
func (d *daemon) knownHosts(t *testing.T, key ssh.Signer) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte(d.knownLine(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (d *daemon) knownLine(key ssh.Signer) string {
	return knownhosts.Line([]string{d.address}, key.PublicKey()) + "\n"
}

func TestLogins(t *testing.T) {
	d := startDaemon(t)
	_, stranger := signer(t)
	key, err := ssh.ParseRawPrivateKey(d.user)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("opensesame"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	plain, locked := filepath.Join(dir, "plain"), filepath.Join(dir, "locked")
	for file, content := range map[string][]byte{plain: d.user, locked: pem.EncodeToMemory(block)} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(context.Context, string) ([]byte, error) { return []byte("opensesame"), nil }
	cases := map[string]struct {
		auth Auth
		want Reason
	}{
		"identity file":           {Auth{IdentityFiles: []string{plain}}, ""},
		"with a passphrase":       {Auth{IdentityFiles: []string{locked}, Passphrase: ask}, ""},
		"with nobody to ask":      {Auth{IdentityFiles: []string{locked}}, LoginRefused},
		"agent":                   {Auth{AgentSocket: agentAt(t, d.user)}, ""},
		"agent that is not there": {Auth{AgentSocket: "/nowhere", IdentityFiles: []string{plain}}, ""},
		"unknown key":             {Auth{Key: stranger}, LoginRefused},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := d.options(t, "root")
			o.Auth = c.auth
			attempt(t, o, c.want)
		})
	}
}
