package ssh

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Client is a connection to one machine. Its methods may be called from many
// goroutines.
type Client struct {
	opts  Options
	conn  *ssh.Client
	slots chan struct{} // one for each session that may be open
	sudo  sudo
	done  chan struct{}
	once  sync.Once
	cause error // why the connection ended, set before done is closed
}

// Connect logs in to a machine. What goes wrong is an *Error.
func Connect(ctx context.Context, opts Options) (*Client, error) {
	opts = opts.withDefaults()
	verifier, err := opts.HostKeys.verifier(opts.Name, opts.Address)
	if err != nil {
		return nil, opts.fail(HostKey, err)
	}
	login, cancel := context.WithTimeout(ctx, opts.ConnectTimeout)
	defer cancel()
	var conn *ssh.Client
	for _, algorithms := range verifier.algorithms() {
		conn, err = opts.login(login, ctx, verifier, algorithms)
		if err == nil || classify(err) != HostKey {
			break
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, opts.fail(classify(err), err)
	}
	c := &Client{opts: opts, conn: conn, slots: make(chan struct{}, opts.Sessions), done: make(chan struct{})}
	go c.keepAlive()
	if err := c.becomeRoot(ctx); err != nil {
		c.shut(net.ErrClosed)
		return nil, err
	}
	return c, nil
}

func (o Options) fail(reason Reason, cause error) *Error {
	return &Error{Node: o.Name, Address: o.Address, User: o.User, Reason: reason, Cause: cause, Jump: o.JumpOnly}
}

// login makes one attempt. People may take their time to type a passphrase, so
// ask is not limited as ctx is.
func (o Options) login(ctx, ask context.Context, v *verifier, algorithms []string) (*ssh.Client, error) {
	if len(algorithms) == 0 {
		return nil, errors.Join(errHostKey, errors.New(v.expected()))
	}
	auth, agent, err := o.Auth.methods(ask)
	if err != nil {
		return nil, err
	}
	defer func() { _ = agent.Close() }()
	transport, err := o.Dial(ctx, "tcp", o.Address)
	if err != nil {
		return nil, err
	}
	// The handshake takes no context: closing the transport ends it.
	stop := context.AfterFunc(ctx, func() { _ = transport.Close() })
	conn, channels, requests, err := ssh.NewClientConn(transport, o.Address, o.clientConfig(auth, v.check, algorithms))
	if !stop() || err != nil {
		_ = transport.Close()
		return nil, errors.Join(ctx.Err(), v.explain(err))
	}
	return ssh.NewClient(conn, channels, requests), nil
}

// keepAlive ends the connection when the peer stops answering: TCP alone would
// notice a machine that lost its power after many minutes.
func (c *Client) keepAlive() {
	ticker := time.NewTicker(c.opts.KeepAlive)
	defer ticker.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-ticker.C:
		}
		answer := make(chan error, 1)
		go func() {
			_, _, err := c.conn.SendRequest("keepalive@openssh.com", true, nil)
			answer <- err
		}()
		timeout := time.NewTimer(2 * c.opts.KeepAlive)
		select {
		case err := <-answer:
			if err != nil {
				c.shut(err)
			}
		case <-timeout.C:
			c.shut(errors.New("it has stopped answering"))
		case <-c.done:
		}
		timeout.Stop()
	}
}

func (c *Client) shut(cause error) {
	c.once.Do(func() {
		c.cause = cause
		close(c.done)
		_ = c.conn.Close()
	})
}

// Close ends the connection and everything that runs over it.
func (c *Client) Close() error {
	c.shut(net.ErrClosed)
	return nil
}

// Dial opens a connection from the machine to an address that it can reach.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return c.conn.DialContext(ctx, network, address)
}
