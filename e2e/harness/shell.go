package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// shells stay on their nodes, so that On need not log in for each question: that
// takes a quarter of a second of the processor, on both sides together.
type shells struct {
	mu   sync.Mutex
	open map[string]*shell
}

// shell is kbm ssh, with a program on the node that reads scripts.
type shell struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  *bufio.Reader
	stderr *bytes.Buffer // kbm's own, to be read when it has ended
}

// readScripts runs a script a line, in base64. It says that it has one, and then
// what came of it: standard output, a point and the exit code; standard error.
const readScripts = `while read -r script; do
echo taken
out=$(sh -euc "$(echo "$script" | base64 -d)" </dev/null 2>/run/kbm-e2e-stderr; echo ".$?")
echo "$(printf %s "$out" | base64 -w 0) $(base64 -w 0 /run/kbm-e2e-stderr)"
done`

// On runs a shell script on a node as root, which has to succeed, and returns
// its standard output without space at the ends.
func (c *Cluster) On(t *testing.T, node, script string) string {
	t.Helper()
	r, err := c.on(node, script)
	if err != nil || r.Code != 0 {
		t.Fatalf("on %s: %s: %v %s", node, script, err, r.All())
	}
	return strings.TrimSpace(r.Stdout)
}

func (c *Cluster) on(node, script string) (Result, error) {
	c.shells.mu.Lock()
	defer c.shells.mu.Unlock()
	for {
		s, old := c.shells.open[node]
		if !old {
			var err error
			if s, err = c.openShell(node); err != nil {
				return Result{}, err
			}
		}
		r, taken, err := s.ask(c.ctx, script)
		if err == nil {
			return r, nil
		}
		delete(c.shells.open, node)
		err = errors.Join(err, s.end())
		// The machine of an old one may have been off since.
		if !old || taken {
			return r, fmt.Errorf("%w\n%s", err, s.stderr)
		}
	}
}

func (c *Cluster) openShell(node string) (*shell, error) {
	s := &shell{stderr: new(bytes.Buffer), cmd: c.Command(context.Background(), "ssh", node, "--", "sh", "-c", readScripts)}
	s.cmd.Stderr = s.stderr
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.lines = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if c.shells.open == nil {
		c.shells.open = map[string]*shell{}
	}
	c.shells.open[node] = s
	return s, nil
}

// ask runs a script, and tells whether the node had taken it when it failed.
func (s *shell) ask(ctx context.Context, script string) (r Result, taken bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, commandDeadline)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = s.cmd.Process.Kill() })() // then the reading below ends
	start := time.Now()
	if _, err := fmt.Fprintln(s.stdin, base64.StdEncoding.EncodeToString([]byte(script))); err != nil {
		return r, false, err
	}
	if _, err := s.lines.ReadString('\n'); err != nil {
		return r, false, err
	}
	line, err := s.lines.ReadString('\n')
	if err != nil {
		return r, true, err
	}
	stdout, stderr, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	said, err := base64.StdEncoding.DecodeString(stdout)
	if err != nil {
		return r, true, err
	}
	complaints, err := base64.StdEncoding.DecodeString(stderr)
	if err != nil {
		return r, true, err
	}
	point := bytes.LastIndexByte(said, '.')
	r = Result{Stdout: string(said[:point]), Stderr: string(complaints), Took: time.Since(start)}
	r.Code, err = strconv.Atoi(string(said[point+1:]))
	return r, true, err
}

// end closes a shell; how it ends tells of its machine, not of a test.
func (s *shell) end() error {
	_ = s.stdin.Close()
	late := time.AfterFunc(time.Second, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// leave closes all shells: their machines will not be the same any more.
func (c *Cluster) leave() {
	c.shells.mu.Lock()
	defer c.shells.mu.Unlock()
	for node, s := range c.shells.open {
		_ = s.end() // nothing is lost with it
		delete(c.shells.open, node)
	}
}
