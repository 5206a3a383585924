package ssh

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// daemon is a real sshd on loopback. It sees users, passwords and a sudoers
// file of its own, in a mount namespace.
type daemon struct {
	address string
	hostCA  ssh.Signer
	userCA  ssh.Signer
	hostKey ssh.Signer
	user    []byte // a private key that authorized_keys has
	dir     string
}

func signer(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s, pem.EncodeToMemory(block)
}

func certify(t *testing.T, ca ssh.Signer, key ssh.PublicKey, kind uint32, principals ...string) []byte {
	t.Helper()
	c := &ssh.Certificate{
		Key: key, CertType: kind, ValidPrincipals: principals, ValidBefore: ssh.CertTimeInfinity,
		Permissions: ssh.Permissions{Extensions: map[string]string{"permit-port-forwarding": ""}},
	}
	if kind == ssh.HostCert {
		c.Extensions = nil
	}
	if err := c.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	return ssh.MarshalAuthorizedKey(c)
}

func startDaemon(t *testing.T) *daemon {
	t.Helper()
	// A short path: the agent's and sshd's checks look at every parent.
	dir, err := os.MkdirTemp("", "kbm-sshd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &daemon{dir: dir, address: "127.0.0.1:" + freePort(t)}
	d.hostCA, _ = signer(t)
	d.userCA, _ = signer(t)
	d.configure(t)
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "testdata/sshd.sh", d.dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for range 2000 {
		if conn, err := net.Dial("tcp", d.address); err == nil {
			_ = conn.Close()
			return d
		}
		<-pause.C
	}
	t.Fatalf("sshd does not start: %s", d.log())
	return nil
}

func (d *daemon) configure(t *testing.T) {
	t.Helper()
	hostKey, hostPEM := signer(t)
	d.hostKey = hostKey
	var user ssh.Signer
	user, d.user = signer(t)
	host, port, _ := strings.Cut(d.address, ":")
	config := []string{
		"Port " + port, "ListenAddress " + host, "UsePAM no", "StrictModes no", "PidFile none",
		"HostKey " + d.dir + "/host", "HostCertificate " + d.dir + "/host-cert.pub",
		"TrustedUserCAKeys " + d.dir + "/user_ca", "AuthorizedKeysFile " + d.dir + "/authorized",
		"PermitRootLogin prohibit-password", "PasswordAuthentication no",
	}
	for name, content := range map[string][]byte{
		"host":          hostPEM,
		"host-cert.pub": certify(t, d.hostCA, d.hostKey.PublicKey(), ssh.HostCert, "cp1"),
		"user_ca":       ssh.MarshalAuthorizedKey(d.userCA.PublicKey()),
		"authorized":    ssh.MarshalAuthorizedKey(user.PublicKey()),
		"config":        []byte(strings.Join(config, "\n") + "\n"),
	} {
		if err := os.WriteFile(filepath.Join(d.dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// sshd reads this one as the user.
	if err := errors.Join(os.Chmod(d.dir, 0o755), os.Chmod(d.dir+"/authorized", 0o644)); err != nil {
		t.Fatal(err)
	}
}

func (d *daemon) log() string {
	text, err := os.ReadFile(filepath.Join(d.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// options log in to the daemon with a certificate, as kbm does.
func (d *daemon) options(t *testing.T, user string) Options {
	t.Helper()
	key, private := signer(t)
	return Options{
		Name: "cp1", Address: d.address, User: user,
		Auth:     Auth{Key: private, Certificate: certify(t, d.userCA, key.PublicKey(), ssh.UserCert, user)},
		HostKeys: HostKeys{Authority: ssh.MarshalAuthorizedKey(d.hostCA.PublicKey())},
	}
}

func connect(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// agentAt starts a real ssh-agent that holds one key.
func agentAt(t *testing.T, key []byte) string {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "key")
	if err := os.WriteFile(file, key, 0o600); err != nil {
		t.Fatal(err)
	}
	add := exec.Command("ssh-add", "-q", file)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if text, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v: %s", err, text)
	}
	return socket
}
