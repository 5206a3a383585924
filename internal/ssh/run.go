package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/internal/remote"
)

// Run executes a script by sh, as root. A script that ends with another code
// than 0 is a *remote.RunError, a connection that breaks an *Error. When ctx
// ends, so does the session, and what the script reads or writes next fails.
func (c *Client) Run(ctx context.Context, cmd remote.Command) (remote.Result, error) {
	line, prefix := c.sudo.wrap(cmd.Script)
	return c.exec(ctx, line, prefix, cmd)
}

// exec runs a command line of the login shell; prefix goes before its stdin.
func (c *Client) exec(ctx context.Context, line, prefix string, cmd remote.Command) (remote.Result, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return remote.Result{}, context.Cause(ctx)
	case <-c.done:
		return remote.Result{}, c.opts.fail(ConnectionLost, c.cause)
	}
	session, err := c.open(ctx)
	if err != nil {
		return remote.Result{}, c.lost(ctx, err)
	}
	defer func() { _ = session.Close() }()
	ended := make(chan struct{})
	defer close(ended)
	stop := context.AfterFunc(ctx, func() { c.abort(session, ended) })
	defer stop()

	var stdout bytes.Buffer
	stderr := remote.NewTail(remote.StderrLimit)
	session.Stdout, session.Stderr = cmd.Stdout, stderr
	if cmd.Stdout == nil {
		session.Stdout = &stdout
	}
	stdin, err := session.StdinPipe()
	if err != nil {
		return remote.Result{}, c.lost(ctx, err)
	}
	if err := session.Start(line); err != nil {
		return remote.Result{}, c.lost(ctx, err)
	}
	broken := make(chan error, 1)
	go func() {
		if err := feed(stdin, prefix, cmd.Stdin); err != nil {
			broken <- fmt.Errorf("read what is to be sent to %s: %w", c.opts.Name, err)
			_ = session.Close()
		}
	}()
	err = session.Wait()
	select {
	case source := <-broken:
		return remote.Result{}, source
	default:
	}
	result := remote.Result{Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	if err != nil {
		return result, c.explain(ctx, err, cmd.Script, stderr.Bytes())
	}
	return result, nil
}

// open is NewSession, which waits for the peer without a context.
func (c *Client) open(ctx context.Context) (*ssh.Session, error) {
	type opened struct {
		session *ssh.Session
		err     error
	}
	ch := make(chan opened, 1)
	go func() {
		s, err := c.conn.NewSession()
		ch <- opened{s, err}
	}()
	select {
	case o := <-ch:
		return o.session, o.err
	case <-ctx.Done():
		go func() {
			if o := <-ch; o.err == nil {
				_ = o.session.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// abort ends a session whose context has ended. A peer that does not even
// confirm that is gone, and the connection with it.
func (c *Client) abort(session *ssh.Session, ended <-chan struct{}) {
	_ = session.Signal(ssh.SIGTERM)
	_ = session.Close()
	patience := time.NewTimer(2 * time.Second)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
		c.shut(errors.New("it has stopped answering"))
	}
}

// feed copies the input in big pieces: each Write fills as many packets as the
// peer's window has room for. Input that nobody reads any more is no fault.
func feed(w io.WriteCloser, prefix string, input io.Reader) error {
	_, err := io.WriteString(w, prefix)
	var source error
	if err == nil && input != nil {
		buf := make([]byte, 256<<10)
		for err == nil && source == nil {
			var n int
			if n, source = input.Read(buf); n > 0 {
				_, err = w.Write(buf[:n])
			}
		}
	}
	// A source that broke must not look like its end: the peer gets no EOF
	// until the session is closed.
	if source != nil && !errors.Is(source, io.EOF) {
		return source
	}
	_ = w.Close()
	return nil
}

func (c *Client) explain(ctx context.Context, err error, script string, stderr []byte) error {
	var exit *ssh.ExitError
	if !errors.As(err, &exit) || ctx.Err() != nil {
		return c.lost(ctx, err)
	}
	return &remote.RunError{
		Node: c.opts.Name, Script: remote.Summary(script), ExitCode: exit.ExitStatus(), Stderr: string(stderr),
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
