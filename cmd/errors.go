package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/kbm-dev/kbm/internal/ssh"
	"github.com/kbm-dev/kbm/provision"
)

// The exit codes, as documented in the root command's help.
const (
	exitOK          = 0
	exitFailed      = 1
	exitInput       = 2
	exitChanges     = 3
	exitUnreachable = 4
	exitLocked      = 5
	exitInterrupted = 130
)

// codedError is an error with the exit code that it leads to.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &codedError{code: code, err: err}
}

func usageError(err error) error { return withCode(exitInput, err) }

// errSilent ends a command whose output has said everything already.
var errSilent = errors.New("")

func isUnreachable(err error) bool {
	var e *ssh.Error
	return errors.As(err, &e)
}

func isLocked(err error) bool {
	var e *provision.LockedError
	return errors.As(err, &e)
}

// report prints an error, the only place that does, and returns its exit code.
func report(w io.Writer, err error) int {
	code := exitFailed
	var coded *codedError
	switch {
	case errors.Is(err, context.Canceled):
		code = exitInterrupted
	case errors.As(err, &coded):
		code = coded.code
	case isUnreachable(err):
		code = exitUnreachable
	case isLocked(err):
		code = exitLocked
	}
	if err.Error() != "" {
		_, _ = fmt.Fprintf(w, "kbm: %s\n", message(err))
	}
	return code
}
