package pki

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/kbm-dev/kbm/cluster"
)

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sealedStore(t testing.TB, c *cluster.Cluster, ids ...age.Identity) *Files {
	t.Helper()
	s, err := NewFiles(c, func() ([]age.Identity, error) { return ids, nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantSealed walks the folder for anything private in plain.
func wantSealed(t *testing.T, c *cluster.Cluster, set *Set) {
	t.Helper()
	secret := base64.StdEncoding.EncodeToString(set.EncryptionKey)
	for name, content := range tree(t, c) {
		if strings.Contains(content, "PRIVATE KEY") || strings.Contains(content, secret) {
			t.Errorf("%s is in plain", name)
		}
		if private(name) && !strings.HasSuffix(name, sealedExt) {
			t.Errorf("%s is there", name)
		}
	}
}

func TestNoKeyIsInPlainWithRecipients(t *testing.T) {
	c := testCluster(t)
	id := newIdentity(t)
	c.Secrets.Recipients = []string{id.Recipient().String()}
	// Without an identity: a new folder is only written.
	first, err := Ensure(sealedStore(t, c), c, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wantSealed(t, c, first)
	before := tree(t, c)
	second, err := Ensure(sealedStore(t, c, id), c, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if len(second.Changes) > 0 || !maps.Equal(before, tree(t, c)) {
		t.Errorf("the second Ensure changed %q", changed(second))
	}
	if !bytes.Equal(first.Get(CA).Key, second.Get(CA).Key) || !bytes.Equal(first.EncryptionKey, second.EncryptionKey) {
		t.Error("other keys are read than were written")
	}
	_, err = Ensure(sealedStore(t, c, newIdentity(t)), c, now, rand.Reader)
	wantError(t, err, "ca.key.age", "not encrypted to the identity")
	_, err = Ensure(sealedStore(t, c), c, now, rand.Reader)
	wantError(t, err, "ca.key.age", "no identity")
}

func TestSwitchingRecipientsOnAndOver(t *testing.T) {
	c := testCluster(t)
	plain := mustEnsure(t, c, now)
	stray := filepath.Join(c.Dir, NodeDir("gone"), "kubelet-client.key")
	if err := os.MkdirAll(filepath.Dir(stray), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		stray: plain.Get(CA).Key, // of a node that was removed
		filepath.Join(c.Dir, Dir, ".ca.key.1234"):  plain.Get(CA).Key, // of a killed kbm
		filepath.Join(c.Dir, Dir, "ca.key.backup"): plain.Get(CA).Key,
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one, two := newIdentity(t), newIdentity(t)
	for _, step := range []struct {
		name       string
		recipients []string
		with       []age.Identity
	}{
		{"on", []string{one.Recipient().String()}, nil},
		{"to another", []string{two.Recipient().String()}, []age.Identity{one}},
		{"to both", []string{one.Recipient().String(), two.Recipient().String()}, []age.Identity{two}},
	} {
		c.Secrets.Recipients = step.recipients
		// What is encrypted can be read by the new recipients only, so the
		// check that follows has all identities.
		if _, err := sealedStore(t, c, step.with...).Seal(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		wantSealed(t, c, plain)
		set, err := Ensure(sealedStore(t, c, one, two), c, now, rand.Reader)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if len(set.Changes) > 0 || !bytes.Equal(set.Get(Admin).Key, plain.Get(Admin).Key) {
			t.Errorf("%s: changed %q", step.name, changed(set))
		}
	}
	if _, err := os.Stat(stray + sealedExt); err != nil {
		t.Error(err)
	}
	c.Secrets.Recipients = nil
	_, err := Ensure(sealedStore(t, c, one), c, now, rand.Reader)
	wantError(t, err, "encrypted", "no secrets.recipients")
}

// A crash between any two steps of Encrypt leaves one of these.
func TestEncryptCarriesOnAfterACrash(t *testing.T) {
	c := testCluster(t)
	plain := mustEnsure(t, c, now)
	id := newIdentity(t)
	before := tree(t, c)
	c.Secrets.Recipients = []string{id.Recipient().String()}
	if _, err := sealedStore(t, c).Seal(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ca.key", "ssh/user-ca"} { // not removed yet
		if err := os.WriteFile(filepath.Join(c.Dir, Dir, name), []byte(before[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(c.Dir, Dir, recipientsFile)); err != nil {
		t.Fatal(err)
	}
	set, err := Ensure(sealedStore(t, c, id), c, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wantSealed(t, c, plain)
	if !bytes.Equal(set.Get(CA).Key, plain.Get(CA).Key) {
		t.Error("another CA key")
	}
}

func TestPlainKeyBesideRecipientsIsAFault(t *testing.T) {
	c := testCluster(t)
	id := newIdentity(t)
	c.Secrets.Recipients = []string{id.Recipient().String()}
	set, err := Ensure(sealedStore(t, c, id), c, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(c.Dir, Dir, "ca.key")
	if err := os.WriteFile(at, set.Get(CA).Key, 0o600); err != nil {
		t.Fatal(err)
	}
	s := sealedStore(t, c, id)
	_, err = Ensure(s, c, now, rand.Reader)
	wantError(t, err, "pki/ca.key is not encrypted", "kbm pki encrypt")
	if err := os.WriteFile(at, set.Get(Admin).Key, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Encrypt()
	wantError(t, err, "pki/ca.key and ca.key.age differ")
	if err := os.WriteFile(at, set.Get(CA).Key, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Encrypt(); err != nil {
		t.Fatal(err)
	}
	wantSealed(t, c, set)
}

func TestDamagedAgeFile(t *testing.T) {
	c := testCluster(t)
	id := newIdentity(t)
	c.Secrets.Recipients = []string{id.Recipient().String()}
	if _, err := Ensure(sealedStore(t, c), c, now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(c.Dir, NodeDir("w1"), "kubelet-client.key.age")
	whole, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, whole[:20], whole[:len(whole)-5], bytes.ToUpper(whole)} {
		if err := os.WriteFile(at, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Ensure(sealedStore(t, c, id), c, now, rand.Reader)
		wantError(t, err, "kubelet-client.key.age", "backup")
	}
}

func TestWrongRecipient(t *testing.T) {
	c := testCluster(t)
	c.Secrets.Recipients = []string{"AGE-SECRET-KEY-1"}
	_, err := NewFiles(c, nil)
	wantError(t, err, "secrets.recipients", "age1")
}

// An identity file that is not there once made its key look like a missing
// one, and Ensure issued it anew.
func TestMissingIdentityIsNoMissingKey(t *testing.T) {
	c := testCluster(t)
	c.Secrets.Recipients = []string{newIdentity(t).Recipient().String()}
	if _, err := Ensure(sealedStore(t, c), c, now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	s, err := NewFiles(c, func() ([]age.Identity, error) {
		_, err := os.ReadFile(filepath.Join(c.Dir, "nowhere"))
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Ensure(s, c, now, rand.Reader)
	wantError(t, err, "decrypt", "ca.key.age", "nowhere")
}

// Files that people encrypt themselves, with `age` or `age -a`.
func TestFilesOutsideOfTheStore(t *testing.T) {
	c, id := testCluster(t), newIdentity(t)
	s := sealedStore(t, c, id)
	var plain, armored bytes.Buffer
	for buf, wrap := range map[*bytes.Buffer]func(io.Writer) io.WriteCloser{
		&plain:   func(w io.Writer) io.WriteCloser { return nopCloser{w} },
		&armored: armor.NewWriter,
	} {
		out := wrap(buf)
		w, err := age.Encrypt(out, id.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "token"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Close(), out.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Decrypted(buf.Bytes()); err != nil || string(got) != "token" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	_, err := s.Decrypted(plain.Bytes()[:plain.Len()-1])
	wantError(t, err, "not a whole age file")
	_, err = sealedStore(t, c, newIdentity(t)).Decrypted(armored.Bytes())
	wantError(t, err, "not encrypted to the identity given")
	_, err = store(t, c).Decrypted(plain.Bytes())
	wantError(t, err, "no identity")
}
