package pki

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func sshCert(t *testing.T, line []byte) *ssh.Certificate {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	c, ok := key.(*ssh.Certificate)
	if !ok {
		t.Fatalf("%s is not a certificate", line)
	}
	return c
}

func sshPublic(t *testing.T, line []byte) ssh.PublicKey {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestHostKeysAreTrustedThroughTheCA(t *testing.T) {
	c := testCluster(t)
	set := mustEnsure(t, c, now)
	ca := sshPublic(t, set.SSHHostCA.Public)
	checker := ssh.CertChecker{
		IsHostAuthority: func(key ssh.PublicKey, _ string) bool { return sameSSH(key, ca) },
		Clock:           func() time.Time { return now.AddDate(20, 0, 0) },
	}
	host := sshCert(t, set.Node("w1").SSHHost.Certificate)
	for addr, want := range map[string]bool{
		"w1:22": true, "192.168.1.21:22": true, "w1.lan:2222": true, "cp1:22": false, "192.168.1.11:22": false,
	} {
		if err := checker.CheckHostKey(addr, nil, host); (err == nil) != want {
			t.Errorf("as %s: %v", addr, err)
		}
	}
	private, err := parseSSHPrivate(set.Node("w1").SSHHost.Private)
	if err != nil || !sameSSH(private.PublicKey(), host.Key) {
		t.Errorf("the certificate is of another key: %v", err)
	}
}

func TestUserCertificateLogsInAsOnePrincipal(t *testing.T) {
	c := testCluster(t)
	set := mustEnsure(t, c, now)
	key, err := set.SSHUser("core", time.Hour, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	user := sshCert(t, key.Certificate)
	ca := sshPublic(t, set.SSHUserCA.Public)
	for _, test := range []struct {
		name, principal string
		at              time.Time
		want            bool
	}{
		{"now", "core", now, true},
		{"on a machine whose clock starts in 1970", "core", time.Unix(10, 0), true},
		{"as somebody else", "root", now, false},
		{"afterwards", "core", now.Add(2 * time.Hour), false},
	} {
		checker := ssh.CertChecker{
			IsUserAuthority: func(key ssh.PublicKey) bool { return sameSSH(key, ca) },
			Clock:           func() time.Time { return test.at },
		}
		if err := checker.CheckCert(test.principal, user); (err == nil) != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if sameSSH(ca, sshPublic(t, set.SSHHostCA.Public)) {
		t.Error("one CA signs hosts and users")
	}
	signer, err := ssh.ParsePrivateKey(key.Private)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ssh.NewCertSigner(user, signer); err != nil {
		t.Error(err)
	}
}

func TestSSHKeygenReadsWhatWeWrite(t *testing.T) {
	c := testCluster(t)
	set := mustEnsure(t, c, now)
	run := func(args ...string) string {
		out, err := exec.Command("ssh-keygen", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen %s: %v: %s", args, err, out)
		}
		return string(out)
	}
	dir := filepath.Join(c.Dir, NodeDir("w1"))
	listing := run("-L", "-f", filepath.Join(dir, "ssh_host_ed25519_key-cert.pub"))
	for _, want := range []string{"ssh-ed25519-cert-v01@openssh.com host certificate", "Valid: forever", "192.168.1.21", "w1.lan"} {
		if !strings.Contains(listing, want) {
			t.Errorf("%s\nlacks %q", listing, want)
		}
	}
	public := run("-y", "-f", filepath.Join(dir, "ssh_host_ed25519_key"))
	if !sameSSH(sshPublic(t, []byte(public)), sshPublic(t, set.Node("w1").SSHHost.Public)) {
		t.Errorf("ssh-keygen derives %s", public)
	}
	known := filepath.Join(t.TempDir(), "known_hosts")
	line, err := KnownHosts(store(t, c), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(known, line, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"w1", "203.0.113.7", "w1.lan"} {
		if got := run("-F", host, "-f", known); !strings.Contains(got, "CA") {
			t.Errorf("ssh-keygen -F %s: %s", host, got)
		}
	}
}

func TestHostCertificateIsSignedAgainByAnotherCA(t *testing.T) {
	c := testCluster(t)
	first := mustEnsure(t, c, now)
	other, _, err := newSSHKey("other", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := store(t, c).Write(File{sshHostCA, other.Private}); err != nil {
		t.Fatal(err)
	}
	second := mustEnsure(t, c, now)
	want := "pki/nodes/w1/ssh_host_ed25519_key-cert.pub: signed by another CA"
	if got := strings.Join(changed(second), "\n"); !strings.Contains(got, want) {
		t.Errorf("changes\n%s\nlack %s", got, want)
	}
	if string(first.Node("w1").SSHHost.Private) != string(second.Node("w1").SSHHost.Private) {
		t.Error("the machine got another host key")
	}
	if !sameSSH(sshPublic(t, second.SSHHostCA.Public), sshPublic(t, other.Public)) {
		t.Error("host-ca.pub does not follow host-ca")
	}
}
