package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/internal/remote"
)

// job is one script on its way. It may outlive the call that started it.
type job struct {
	client *Client
	cmd    remote.Command
	ended  chan error

	mu        sync.Mutex // guards what follows, and every write to cmd.Stdout
	session   *ssh.Session
	abandoned bool
	stdout    bytes.Buffer
	stderr    *remote.Tail
}

func (j *job) run(ctx context.Context, line, prefix string) error {
	session, err := j.client.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = session.Close() }()
	if !j.adopt(session) {
		return ctx.Err()
	}
	var out io.Writer = &j.stdout
	if j.cmd.Stdout != nil {
		out = j.cmd.Stdout
	}
	session.Stdout, session.Stderr = gate{j, out}, gate{j, j.stderr}
	stdin, err := session.StdinPipe()
	if err != nil {
		return err
	}
	if err := session.Start(line); err != nil {
		return err
	}
	go func() {
		if err := feed(stdin, prefix, j.cmd.Stdin); err != nil {
			j.ended <- &sourceError{node: j.client.opts.Name, cause: err}
			_ = session.Close()
		}
	}()
	return session.Wait()
}

// sourceError is an input that broke before its end.
type sourceError struct {
	node  string
	cause error
}

func (e *sourceError) Error() string {
	return fmt.Sprintf("read what is to be sent to %s: %v", e.node, e.cause)
}
func (e *sourceError) Unwrap() error { return e.cause }

// adopt notes the session, unless nobody waits for it any more.
func (j *job) adopt(session *ssh.Session) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.session = session
	return !j.abandoned
}

func (j *job) abandon() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.abandoned = true
	if j.session != nil {
		_ = j.session.Signal(ssh.SIGTERM)
		_ = j.session.Close()
	}
}

func (j *job) result(ctx context.Context, err error) (remote.Result, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	res := remote.Result{Stdout: j.stdout.Bytes(), Stderr: j.stderr.Bytes()}
	var exit *ssh.ExitError
	var source *sourceError
	name := j.client.opts.Name
	switch {
	case err == nil:
		return res, nil
	case errors.As(err, &source):
		j.abandoned = true
		return remote.Result{}, err
	case errors.As(err, &exit):
		return res, &remote.RunError{
			Node: name, Script: remote.Summary(j.cmd.Script), ExitCode: exit.ExitStatus(), Stderr: string(j.stderr.Bytes()),
		}
	}
	return res, j.client.lost(ctx, err)
}

// gate passes output on until the job is abandoned: from then on the writer
// belongs to the caller again.
type gate struct {
	job *job
	out io.Writer
}

func (g gate) Write(p []byte) (int, error) {
	g.job.mu.Lock()
	defer g.job.mu.Unlock()
	if g.job.abandoned {
		return len(p), nil
	}
	return g.out.Write(p)
}

// ReadFrom is what io.Copy, and so the session, prefers to a big buffer of its own.
func (g gate) ReadFrom(r io.Reader) (int64, error) {
	n, source, sink := pump(g, r)
	if errors.Is(source, io.EOF) {
		source = nil
	}
	return n, errors.Join(source, sink)
}
