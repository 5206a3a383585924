package cmd

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

// testSources are those of a cluster whose identity is at hand; seal encrypts
// to it.
func testSources(t *testing.T, c *cluster.Cluster) (s *sources, seal func(string) string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	store, err := pki.NewFiles(c, func() ([]age.Identity, error) { return []age.Identity{id}, nil })
	if err != nil {
		t.Fatal(err)
	}
	seal = func(text string) string {
		var sealed bytes.Buffer
		w, err := age.Encrypt(&sealed, id.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return sealed.String()
	}
	getenv := func(name string) string { return map[string]string{"TOKEN": "from the environment\n"}[name] }
	return &sources{dir: c.Dir, getenv: getenv, now: time.Now, decrypt: store.Decrypted}, seal
}

func TestSecretsFromEitherSource(t *testing.T) {
	c := &cluster.Cluster{Dir: t.TempDir()}
	s, seal := testSources(t, c)
	writeFiles(t, c.Dir, map[string]string{"token.age": seal("from a file\n"), "empty.age": seal("\n")})
	for secret, want := range map[cluster.Secret]string{
		{Env: "TOKEN"}:      "from the environment",
		{File: "token.age"}: "from a file",
	} {
		if got, err := s.Secret(secret); err != nil || string(got) != want {
			t.Errorf("%+v: got %q, %v", secret, got, err)
		}
	}
	if _, err := s.Secret(cluster.Secret{File: "empty.age"}); err == nil || !strings.Contains(err.Error(), "empty.age holds nothing") {
		t.Errorf("got %v", err)
	}
}

// What would only show once a browser comes is told before anything is applied.
func TestFilesThatDoNotFit(t *testing.T) {
	c := (&cluster.Cluster{Name: "home", Endpoint: cluster.Endpoint{Host: "192.168.1.11"}, Dir: t.TempDir()}).WithDefaults()
	store, err := pki.NewFiles(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := pki.Ensure(store, c, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, seal := testSources(t, c)
	admin, other := set.Get(pki.Admin), set.Get(pki.Scheduler)
	writeFiles(t, c.Dir, map[string]string{
		"a.crt": string(admin.Cert), "a.key.age": seal(string(admin.Key)), "b.key.age": seal(string(other.Key)), "ca.pem": "junk",
	})
	c.Addons = cluster.Addons{
		Auth:  &cluster.Auth{CAFile: "ca.pem", ClientSecret: cluster.Secret{Env: "TOKEN"}},
		Extra: &cluster.Extra{TLS: []cluster.TLSSecret{{Cert: "a.crt", Key: "a.key.age"}, {Cert: "a.crt", Key: "b.key.age"}}},
	}
	wantFaults := func(paths ...string) {
		t.Helper()
		var faults cluster.Faults
		if err := s.check(c); !errors.As(err, &faults) || len(faults) != len(paths) {
			t.Fatalf("got %v, want faults of %q", err, paths)
		}
		for i, path := range paths {
			if faults[i].Path != path || faults[i].Right == "" || strings.Contains(faults[i].String(), "PRIVATE") {
				t.Errorf("got %s, want one of %s", faults[i], path)
			}
		}
	}
	wantFaults("addons.auth.caFile", "addons.extra.tls[1].key")
	s.now = func() time.Time { return time.Now().AddDate(2, 0, 0) }
	wantFaults("addons.auth.caFile", "addons.extra.tls[0].cert", "addons.extra.tls[1].cert", "addons.extra.tls[1].key")

	s.kept = set
	if _, err := s.Kept(addons.KeptCACert); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"ca.key", "sa.key", addons.KeptPrivateCAKey} {
		if _, err := s.Kept(name); err == nil {
			t.Errorf("an addon was given %s", name)
		}
	}
}

func TestUnreadableFile(t *testing.T) {
	c := &cluster.Cluster{Dir: t.TempDir()}
	s, _ := testSources(t, c)
	if err := os.Mkdir(filepath.Join(c.Dir, "auth"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.Addons.Extra = &cluster.Extra{HTPasswd: []cluster.HTPasswdSecret{{File: "auth"}, {File: "gone"}}}
	err := s.check(c)
	for _, want := range []string{"htpasswd[0].file: file auth is a folder", "htpasswd[1].file: file gone does not exist"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
