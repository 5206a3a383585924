package cmd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/internal/ssh/sshtest"
)

// liveMachine is a machine on loopback that runs a live system until it is told
// to start anew: then it shows the host key that kbm made for w1. It answers
// over real SSH, with what a machine would; provision's own tests run the
// scripts.
type liveMachine struct {
	dir      string // of the script
	listener atomic.Pointer[net.Listener]
	server   *sshtest.Server
	started  atomic.Int32
}

// serveLive gives a script that machine: its port and fingerprint are in the
// environment, the text of lsblk in the file "disks".
func serveLive(env *testscript.Env) error {
	m := &liveMachine{dir: env.WorkDir}
	m.server = &sshtest.Server{
		Handler: m.shell,
		Login: func(c ssh.ConnMetadata, _ ssh.PublicKey) (*ssh.Permissions, error) {
			if c.User() != "core" {
				return nil, errors.New("there is no such user")
			}
			return &ssh.Permissions{}, nil
		},
	}
	key, err := newHostKey()
	if err != nil {
		return err
	}
	address, err := m.listen("127.0.0.1:0", key)
	if err != nil {
		return err
	}
	env.Defer(func() { _ = (*m.listener.Load()).Close() })
	_, port, err := net.SplitHostPort(address)
	env.Setenv("LIVE_PORT", port)
	env.Setenv("LIVE_KEY", ssh.FingerprintSHA256(key.PublicKey()))
	return err
}

func (m *liveMachine) listen(address string, key ssh.Signer) (string, error) {
	l, err := sshtest.Listen(address)
	if err != nil {
		return "", err
	}
	m.listener.Store(&l)
	go m.server.Serve("w1", l, key)
	return l.Addr().String(), nil
}

func (m *liveMachine) shell(_, line string, stdin io.Reader, stdout io.Writer) int {
	var err error
	switch {
	case strings.Contains(line, "id -u"): // who is logged in
		_, err = fmt.Fprintln(stdout, "root")
	case strings.Contains(line, "= disks"):
		var disks []byte
		disks, err = os.ReadFile(filepath.Join(m.dir, "disks"))
		if m.started.Load() > 0 {
			disks = []byte(strings.ReplaceAll(string(disks), `"mountpoint":null`, `"mountpoint":"/"`))
		}
		_, _ = fmt.Fprintf(stdout, "= boot\n%d\n= arch\nx86_64\n= tools\nlsblk setsid flock head stat flatcar-install\n= run\ntmpfs\n= disks\n%s\n= end\n", m.started.Load()+1, disks)
	case strings.Contains(line, "config.ign"):
		config := make([]byte, 20)
		if _, err = io.ReadFull(stdin, config); err == nil {
			_, _ = fmt.Fprintln(stdout, "Writing the image")
			err = os.WriteFile(filepath.Join(m.dir, "written"), append([]byte(line+"\n"), config...), 0o600)
		}
	case strings.Contains(line, "systemctl reboot"):
		err = m.restart()
	}
	if err != nil {
		_, _ = fmt.Fprintln(stdout, err)
		return 1
	}
	return 0
}

// restart brings up the installed system.
func (m *liveMachine) restart() error {
	dir := filepath.Join(m.dir, "pki", "nodes", "w1")
	private, err := os.ReadFile(filepath.Join(dir, "ssh_host_ed25519_key"))
	if err != nil {
		return err
	}
	public, err := os.ReadFile(filepath.Join(dir, "ssh_host_ed25519_key-cert.pub"))
	if err != nil {
		return err
	}
	key, err := ssh.ParsePrivateKey(private)
	if err != nil {
		return err
	}
	cert, _, _, _, err := ssh.ParseAuthorizedKey(public)
	if err != nil {
		return err
	}
	signer, err := ssh.NewCertSigner(cert.(*ssh.Certificate), key)
	if err != nil {
		return err
	}
	l := *m.listener.Load()
	if err := l.Close(); err != nil {
		return err
	}
	m.started.Add(1)
	_, err = m.listen(l.Addr().String(), signer)
	return err
}
