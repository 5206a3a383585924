package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// Reason is why a machine cannot be worked with.
type Reason string

// The reasons, each with its own cure.
const (
	NameNotFound   Reason = "name not found"
	NoRoute        Reason = "no route"
	Refused        Reason = "connection refused"
	TimedOut       Reason = "no answer"
	HostKey        Reason = "host key not trusted"
	LoginRefused   Reason = "login refused"
	SudoRefused    Reason = "sudo refused"
	ConnectionLost Reason = "connection lost"
	Unknown        Reason = "not reachable"
)

// Error is a machine that could not be reached, trusted or logged in to.
type Error struct {
	Node, Address, User string
	Reason              Reason
	Cause               error
	// Jump is true for a jump host, which is no machine of the cluster.
	Jump bool
}

func (e *Error) Unwrap() error { return e.Cause }

func (e *Error) Error() string {
	what := map[Reason]string{
		NameNotFound:   "no address is known for it",
		NoRoute:        "nothing answers at that address, or no way leads there",
		Refused:        "it is up, but nothing listens there",
		TimedOut:       "it does not answer",
		HostKey:        "it may not be the machine it claims to be",
		LoginRefused:   "it refuses the login as " + e.User,
		SudoRefused:    "sudo refuses " + e.User,
		ConnectionLost: "the connection broke",
		Unknown:        "the connection failed",
	}[e.Reason]
	text := fmt.Sprintf("%s (%s): %s", e.Node, e.Address, what)
	if cause := e.cause(); cause != "" {
		text += ": " + cause
	}
	return text + "; " + e.cure()
}

// cause is what a person learns from the cause beyond the reason.
func (e *Error) cause() string {
	var cut *ssh.ExitMissingError
	switch {
	case e.Cause == nil || slices.Contains([]Reason{TimedOut, Refused, NoRoute, LoginRefused}, e.Reason):
		return ""
	case errors.As(e.Cause, &cut), errors.Is(e.Cause, io.EOF):
		return "it hung up"
	}
	return strings.TrimPrefix(e.Cause.Error(), "ssh: handshake failed: ")
}

func (e *Error) cure() string {
	if e.Jump {
		return e.jumpCure()
	}
	return map[Reason]string{
		NameNotFound:   "check the address in nodes/" + e.Node + ".yaml, or this computer's DNS",
		NoRoute:        "check that it is switched on, that the address in nodes/" + e.Node + ".yaml is right, and this computer's network; or set ssh.jump",
		Refused:        "check that sshd runs there and that ssh.port is right",
		TimedOut:       "check that it is switched on and that the address in nodes/" + e.Node + ".yaml is right",
		HostKey:        "if it was installed anew, boot it from kbm's medium, or set ssh.hostKey to the fingerprint read on its own console",
		LoginRefused:   "check ssh.user, and that it was booted from this cluster's medium or trusts one of ssh.identityFiles",
		SudoRefused:    "allow sudo for that user, or log in as root (ssh.user)",
		ConnectionLost: "check that it is switched on, and the network, and run again: kbm carries on where it was",
		Unknown:        "try `ssh -v` to the same address",
	}[e.Reason]
}

func (e *Error) jumpCure() string {
	switch e.Reason {
	case HostKey:
		return "log in to it once with ssh, so that ~/.ssh/known_hosts has its key"
	case LoginRefused:
		return "check that `ssh` logs in to it with the same user and keys"
	}
	return "check ssh.jump, and ProxyJump in ~/.ssh/config"
}

// classify finds the reason of an error from dialling or the handshake.
func classify(err error) Reason {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, errHostKey):
		return HostKey
	case errors.As(err, &dns):
		return NameNotFound
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return NoRoute
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return TimedOut
	case strings.Contains(err.Error(), "unable to authenticate"):
		return LoginRefused
	}
	return Unknown
}
