package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"
)

// bootDeadline of a container, or of a machine with KVM, is far above the seconds that a boot takes, because a first
// lab is often brought up while the computer is busy building the rest.
const bootDeadline = 3 * time.Minute

// awaitSSH waits for the first bytes of sshd's greeting, which it sends
// without being asked.
func (l Lab) awaitSSH(ctx context.Context, d driver, patience time.Duration, m Machine) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no SSH at %s within %s", m.sshAddress(), patience))
	defer cancel()
	switchedOn := time.Now()
	err := poll(ctx, 50*time.Millisecond, func() (bool, error) {
		if l.sshAnswers(ctx, m) {
			return true, nil
		}
		// The supervisor's record comes a moment after its start.
		if d.Running(m.Name) == 0 && time.Since(switchedOn) > time.Second {
			return false, errors.New("it went off while starting")
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("machine %s: %w; the end of its console, %s:\n%s", m.Name, err, l.consolePath(m.Name), l.consoleTail(m.Name))
	}
	return nil
}

// greetingTime is for an sshd on a machine whose processor is emulated: it
// starts a process for each connection before it says a word.
const greetingTime = 5 * time.Second

func (l Lab) sshAnswers(ctx context.Context, m Machine) bool {
	ctx, cancel := context.WithTimeout(ctx, greetingTime)
	defer cancel()
	dialing, done := context.WithTimeout(ctx, time.Second)
	defer done()
	conn, err := l.Dial(dialing, "tcp", m.sshAddress())
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetReadDeadline(deadline); err != nil {
		return false
	}
	greeting := make([]byte, len("SSH-"))
	n, err := conn.Read(greeting)
	return err == nil && string(greeting[:n]) == "SSH-"
}

// consoleTail gives the last lines of a machine's console.
func (l Lab) consoleTail(machine string) string {
	console, err := os.ReadFile(l.consolePath(machine))
	if err != nil {
		return err.Error()
	}
	return tail(console)
}

// controls are what a boot loader or systemd does to a screen.
var controls = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1bc|[\x00-\x08\x0b-\x1f\x7f]`)

func tail(console []byte) string {
	plain := bytes.TrimSpace(controls.ReplaceAll(console, nil))
	lines := bytes.Split(plain, []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}
