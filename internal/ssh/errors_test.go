package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
)

// A tired person reads the node, what is wrong with it and what to do, and no
// words of the libraries below.
func TestErrorsNameNodeAndCure(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	authority, _ := signer(t)
	trusted, err := HostKeys{Authority: ssh.MarshalAuthorizedKey(authority.PublicKey())}.verifier("w1", "192.0.2.12:22")
	if err != nil {
		t.Fatal(err)
	}
	noCertificate := fmt.Errorf("ssh: handshake failed: %w", &ssh.AlgorithmNegotiationError{What: "host key", RequestedAlgorithms: []string{"ssh-ed25519"}})
	for _, test := range []struct {
		cause  error
		reason Reason // classify's unless set
		want   string
	}{
		{dial(syscall.EHOSTUNREACH), "", "nothing answers at that address, or no way leads there; check that it is switched on, that the address in nodes/w1.yaml is right, and this computer's network; or set ssh.jump"},
		{dial(syscall.ECONNREFUSED), "", "it is up, but nothing listens there; check that sshd runs there and that ssh.port is right"},
		{trusted.explain(noCertificate), "", "it may not be the machine it claims to be: host key not trusted: trusted is a certificate of the cluster's SSH host CA for w1, and it has none; if it was installed anew"},
		{errors.New("ssh: unable to authenticate, attempted methods [none publickey]"), "", "it refuses the login as core; check ssh.user"},
		{errors.Join(context.DeadlineExceeded, net.ErrClosed), "", "it does not answer; check that it is switched on and that the address in nodes/w1.yaml is right"},
		{fmt.Errorf("ssh: handshake failed: %w", io.EOF), "", "the connection failed: it hung up; try `ssh -v` to the same address"},
		{&ssh.ExitMissingError{}, ConnectionLost, "the connection broke: it hung up; check that it is switched on, and the network, and run again: kbm carries on where it was"},
		{errors.New("it has stopped answering"), ConnectionLost, "the connection broke: it has stopped answering; check that"},
	} {
		o := Options{Name: "w1", Address: "192.0.2.12:22", User: "core"}
		if test.reason == "" {
			test.reason = classify(test.cause)
		}
		if got := o.fail(test.reason, test.cause).Error(); !strings.HasPrefix(got, "w1 (192.0.2.12:22): "+test.want) {
			t.Errorf("%v:\n got %s\nwant %s", test.cause, got, test.want)
		}
	}
}
