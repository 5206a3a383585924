package provision

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// permanentError ends a wait at once: waiting longer cannot mend it.
type permanentError struct{ err error }

func (e permanentError) Error() string { return e.err.Error() }
func (e permanentError) Unwrap() error { return e.err }

// permanent marks an error as one that waiting cannot mend.
func permanent(err error) error { return permanentError{err} }

// poll asks until there is no error, the error is permanent, or the deadline is
// over: then the last reason is the error.
func poll(ctx context.Context, deadline, interval time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var last error
	for {
		err := ask(ctx)
		var stop permanentError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &stop):
			return stop.err
		case ctx.Err() == nil || last == nil:
			last = err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("not done after %s: %w", deadline, last)
			}
			return ctx.Err()
		case <-time.After(interval):
		}
	}
}

// brief is an error's first line, short enough for a line of progress.
func brief(err error) string {
	text := err.Error()
	for i, c := range text {
		if c == '\n' || i > 120 {
			return text[:i]
		}
	}
	return text
}
