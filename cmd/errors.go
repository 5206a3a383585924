package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// report prints an error, the only place that does, and returns its exit code.
func report(w io.Writer, err error) int {
	code := exitFailed
	var coded *codedError
	switch {
	case errors.As(err, &coded):
		code = coded.code
	case errors.Is(err, context.Canceled):
		code = exitInterrupted
	}
	if err.Error() != "" {
		_, _ = fmt.Fprintf(w, "kbm: %v\n", err)
	}
	return code
}
