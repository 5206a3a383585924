package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// LockedError is a machine that another kbm is working on.
type LockedError struct {
	Node   string
	Holder string // as it calls itself
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s: %s is working on it: wait until that is done, or end it", e.Node, e.Holder)
}

// lockHeld is what lock.sh ends with when somebody else has the lock.
const lockHeld = 3

// Acquire takes the machine's lock in the name of owner, or says who has it by
// a *LockedError. The lock is a session that stays open: it is free again when
// release is called, when kbm is killed, since that closes the connection, and
// when the connection is cut, as soon as the machine's sshd has noticed, which
// its ClientAliveInterval decides.
func Acquire(ctx context.Context, node string, host Host, owner string) (release func() error, err error) {
	text, err := script("lock.sh", owner)
	if err != nil {
		return nil, err
	}
	// The lock outlives the context, so that an interrupted run can tidy up
	// under it; only release ends it.
	session, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stdin, hold := io.Pipe()
	held := make(signalWriter, 1)
	ended := make(chan error, 1)
	go func() {
		_, err := host.Run(session, Command{Script: text, Stdin: stdin, Stdout: held})
		ended <- err
	}()
	select {
	case <-held:
		return func() error {
			_ = hold.Close() // a pipe's Close never fails
			defer cancel()
			return <-ended
		}, nil
	case err := <-ended:
		cancel()
		return nil, lockError(node, err)
	case <-ctx.Done():
		cancel()
		return nil, context.Cause(ctx)
	}
}

func lockError(node string, err error) error {
	if holder, ok := answer(err, lockHeld); ok {
		if holder == "" {
			holder = "another kbm"
		}
		return &LockedError{Node: node, Holder: holder}
	}
	if err == nil {
		err = errors.New("the session ended at once")
	}
	return fmt.Errorf("lock %s: %w", node, err)
}

// signalWriter tells that something was written.
type signalWriter chan struct{}

func (s signalWriter) Write(p []byte) (int, error) {
	select {
	case s <- struct{}{}:
	default:
	}
	return len(p), nil
}
