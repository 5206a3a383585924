package pki

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/cluster"
)

func TestIdentityFiles(t *testing.T) {
	id := newIdentity(t)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(edKey, "")
	if err != nil {
		t.Fatal(err)
	}
	lockedBlock, err := ssh.MarshalPrivateKeyWithPassphrase(edKey, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	edSigner, err := ssh.NewSignerFromKey(edKey)
	if err != nil {
		t.Fatal(err)
	}
	ageTo, sshTo := id.Recipient().String(), string(publicLine(edSigner.PublicKey(), "me"))
	for _, test := range []struct {
		name      string
		content   []byte
		recipient string
		asks      bool
	}{
		{"age", []byte("# created: today\n" + id.String() + "\n"), ageTo, false},
		{"age with a passphrase", lockedAge(t, id, false), ageTo, true},
		{"age with a passphrase, armored", lockedAge(t, id, true), ageTo, true},
		{"ssh", pem.EncodeToMemory(block), sshTo, false},
		{"ssh with a passphrase", pem.EncodeToMemory(lockedBlock), sshTo, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := (&cluster.Cluster{Name: "home", Dir: t.TempDir()}).WithDefaults()
			c.Secrets.Recipients = []string{test.recipient}
			if _, err := Ensure(sealedStore(t, c), c, now, rand.Reader); err != nil {
				t.Fatal(err)
			}
			asked := 0
			s, err := NewFiles(c, func() ([]age.Identity, error) {
				return ParseIdentities("key.txt", test.content, func(string) ([]byte, error) {
					asked++
					return []byte("secret"), nil
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			set, err := Ensure(s, c, now, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if len(set.Changes) > 0 {
				t.Errorf("changed %q", changed(set))
			}
			if want := map[bool]int{true: 1}[test.asks]; asked != want {
				t.Errorf("asked %d times, want %d", asked, want)
			}
			if !test.asks {
				return
			}
			_, err = ParseIdentities("key.txt", test.content, func(string) ([]byte, error) { return []byte("wrong"), nil })
			wantError(t, err, "key.txt", "passphrase is wrong")
			refused := errors.New("no terminal")
			if _, err = ParseIdentities("key.txt", test.content, func(string) ([]byte, error) { return nil, refused }); !errors.Is(err, refused) {
				t.Errorf("got %v, want %v", err, refused)
			}
		})
	}
	_, err = ParseIdentities("key.txt", []byte("AGE-SECRET-KEY-1NOPE"), nil)
	wantError(t, err, "key.txt", "neither")
	if strings.Contains(err.Error(), "NOPE") {
		t.Error("the message quotes the key")
	}
}

// lockedAge is what age -p makes of an identity file.
func lockedAge(t *testing.T, id *age.X25519Identity, armored bool) []byte {
	t.Helper()
	to, err := age.NewScryptRecipient("secret")
	if err != nil {
		t.Fatal(err)
	}
	to.SetWorkFactor(10)
	var buf bytes.Buffer
	var out io.WriteCloser = nopCloser{&buf}
	if armored {
		out = armor.NewWriter(&buf)
	}
	w, err := age.Encrypt(out, to)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, id.String()+"\n")
	if err := errors.Join(err, w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
