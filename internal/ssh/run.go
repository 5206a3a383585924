package ssh

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/internal/remote"
)

// Run executes a script by sh, as root. A script that ends with another code
// than 0 is a *remote.RunError, a connection that breaks an *Error. When ctx
// ends, Run returns at once and the session is closed: the script's input ends,
// and what it prints from then on is lost. It is not killed, since sshd does
// not pass on signals where the login is root.
func (c *Client) Run(ctx context.Context, cmd remote.Command) (remote.Result, error) {
	line, prefix := c.sudo.wrap(cmd.Script)
	return c.exec(ctx, line, prefix, cmd)
}

// exec runs a command line of the login shell; prefix goes before its stdin.
func (c *Client) exec(ctx context.Context, line, prefix string, cmd remote.Command) (remote.Result, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return remote.Result{}, context.Cause(ctx)
	case <-c.done:
		return remote.Result{}, c.lost(ctx, c.cause)
	}
	j := &job{client: c, cmd: cmd, stderr: remote.NewTail(remote.StderrLimit), ended: make(chan error, 2)}
	go func() {
		j.ended <- j.run(ctx, line, prefix)
		<-c.slots
	}()
	select {
	case err := <-j.ended:
		return j.result(ctx, err)
	case <-ctx.Done():
		j.abandon()
		return remote.Result{}, context.Cause(ctx)
	}
}

// open is NewSession. sshd refuses more than MaxSessions, and it may take a
// moment until it counts an ended one as ended: then it is asked again.
func (c *Client) open(ctx context.Context) (*ssh.Session, error) {
	const patience = 100
	for attempt := 1; ; attempt++ {
		session, err := c.conn.NewSession()
		var refused *ssh.OpenChannelError
		if !errors.As(err, &refused) || attempt == patience {
			return session, err
		}
		pause := time.NewTimer(50 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		}
	}
}

// feed copies the input. Input that nobody reads any more is no fault.
func feed(w io.WriteCloser, prefix string, input io.Reader) error {
	if _, err := io.WriteString(w, prefix); err == nil && input != nil {
		// A source that broke must not look like its end: the peer gets no EOF
		// until the session is closed.
		if _, source, _ := pump(w, input); !errors.Is(source, io.EOF) && source != nil {
			return source
		}
	}
	_ = w.Close()
	return nil
}

// What is sent goes in big pieces: each Write fills as many packets as the
// peer's window has room for. But hundreds of locks are sessions in which
// nothing is said for minutes, so a buffer starts small.
const (
	smallBuffer = 2 << 10
	bigBuffer   = 256 << 10
)

// pump copies until one side fails, and tells which; the source fails at its
// end, too.
func pump(w io.Writer, r io.Reader) (copied int64, source, sink error) {
	buf := make([]byte, smallBuffer)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			n, err := w.Write(buf[:n])
			copied += int64(n)
			if err != nil {
				return copied, nil, err
			}
		}
		if err != nil {
			return copied, err, nil
		}
		if n == len(buf) && n < bigBuffer {
			buf = make([]byte, bigBuffer)
		}
	}
}

// lost tells why a session ended before its time.
func (c *Client) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-c.done:
		if !errors.Is(c.cause, net.ErrClosed) {
			err = c.cause
		}
	default:
	}
	return c.opts.fail(ConnectionLost, err)
}
