package ssh

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestConfig(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	const text = `Host 192.168.1.*
  HostName %h.example.com
  User core
  Port 2222
  IdentityFile ~/.ssh/lab
  ProxyJump me@gate.example.com:22,inner
Host *
  IdentityFile /keys/any
`
	if err := os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadConfig(home)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Resolve("192.168.1.11")
	want := Target{
		HostName: "192.168.1.11.example.com", User: "core", Port: "2222",
		IdentityFiles: []string{filepath.Join(home, ".ssh/lab"), "/keys/any"},
		Jumps:         []string{"me@gate.example.com:22", "inner"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := c.Resolve("10.0.0.1"); err != nil || got.User != "" || len(got.IdentityFiles) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	empty, err := ReadConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := empty.Resolve("10.0.0.1"); err != nil || !reflect.DeepEqual(got, Target{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseJump(t *testing.T) {
	for in, want := range map[string][3]string{
		"gate":              {"", "gate", "22"},
		"me@gate:2222":      {"me", "gate", "2222"},
		"me@[2001:db8::1]":  {"me", "2001:db8::1", "22"},
		"[2001:db8::1]:222": {"", "2001:db8::1", "222"},
	} {
		user, host, port, err := ParseJump(in)
		if got := [3]string{user, host, port}; err != nil || got != want {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
	}
	if _, _, _, err := ParseJump("me@"); err == nil {
		t.Error("a jump host without a host is accepted")
	}
}

func TestScanHostKey(t *testing.T) {
	d := startDaemon(t)
	got, err := ScanHostKey(t.Context(), Options{Name: "cp1", Address: d.address})
	if err != nil || got.Fingerprint != ssh.FingerprintSHA256(d.hostKey.PublicKey()) || got.Type != ssh.KeyAlgoED25519 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := ScanHostKey(t.Context(), Options{Name: "cp1", Address: "127.0.0.1:" + freePort(t)}); reasonOf(err) != Refused {
		t.Errorf("got %v", err)
	}
}
