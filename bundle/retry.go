package bundle

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sys/unix"
)

const (
	// attempts is how often in a row something may fail and bring nothing.
	attempts = 5
	// gain is how many bytes make an attempt that failed a good one, so that a
	// bad line brings a large file in the end and a broken server does not keep
	// kbm for ever.
	gain = 256 << 10
)

// statusError is an answer that is not the one wanted.
type statusError struct {
	url    string
	status int
	after  time.Duration // that the server asks to wait
}

func (e statusError) Error() string {
	said := fmt.Sprintf("%s: the server says %d %s", e.url, e.status, http.StatusText(e.status))
	switch e.status {
	case http.StatusNotFound, http.StatusGone:
		return said + ": that version is not published there"
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return said + ": it wants other credentials, or does not serve this network"
	}
	return said
}

// localError is a fault of this computer, its disk for example.
type localError struct{ err error }

func (e localError) Error() string { return e.err.Error() }
func (e localError) Unwrap() error { return e.err }

// finalError is one that another attempt does not change.
type finalError struct{ err error }

func (e finalError) Error() string { return e.err.Error() }
func (e finalError) Unwrap() error { return e.err }

// slowError is the cause of cutting off a server.
type slowError struct {
	host  string
	limit time.Duration
}

func (e slowError) Error() string {
	return fmt.Sprintf("%s sent nothing, or less than a kilobyte a second, for %s", e.host, e.limit)
}

// patience is how long to go on after faults that may pass.
type patience struct {
	pause time.Duration // after the first fault; it doubles
	tell  func(detail string)
}

// try repeats step until it succeeds, fails for good, or has failed too often.
// step returns how many bytes it brought.
func (p patience) try(ctx context.Context, step func(context.Context) (int64, error)) error {
	for n, pause := 1, p.pause; ; n, pause = n+1, 2*pause {
		got, err := step(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case forGood(err):
			return err
		case got >= gain:
			n, pause = 0, p.pause
		case n == attempts:
			return fmt.Errorf("%w (given up after %d attempts)", err, attempts)
		}
		wait := max(pause, retryAfter(err))
		p.tell(fmt.Sprintf("%s: again in %s", err, wait))
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// forGood tells whether trying again would only bring the same.
func forGood(err error) bool {
	if status, ok := statusOf(err); ok {
		return status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
	}
	var local localError
	var final finalError
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	// Where nobody listens, the address is wrong more often than the server down.
	if errors.Is(err, unix.ECONNREFUSED) {
		return true
	}
	return errors.As(err, &local) || errors.As(err, &final) || errors.As(err, &certificate) || errors.As(err, &name) && name.IsNotFound
}

func statusOf(err error) (int, bool) {
	var ours statusError
	if errors.As(err, &ours) {
		return ours.status, true
	}
	var registry *transport.Error
	if errors.As(err, &registry) && registry.StatusCode != 0 {
		return registry.StatusCode, true
	}
	return 0, false
}

// retryAfter is what the server asked for, up to a minute.
func retryAfter(err error) time.Duration {
	var status statusError
	if !errors.As(err, &status) {
		return 0
	}
	return min(status.after, time.Minute)
}
