package ssh

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/internal/remote"
)

func run(t *testing.T, c *Client, script string) string {
	t.Helper()
	res, err := c.Run(t.Context(), remote.Command{Script: script})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(res.Stdout))
}

func reasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func TestRun(t *testing.T) {
	d := startDaemon(t)
	c := connect(t, d.options(t, "root"))

	t.Run("quotes, and an exit code", func(t *testing.T) {
		if got := run(t, c, `echo "it's" '$HOME'`); got != "it's $HOME" {
			t.Errorf("got %q", got)
		}
		_, err := c.Run(t.Context(), remote.Command{Script: "set -u\necho why >&2\nexit 7"})
		var failed *remote.RunError
		if !errors.As(err, &failed) || failed.ExitCode != 7 || failed.Stderr != "why\n" || failed.Node != "cp1" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("much in and out", func(t *testing.T) {
		data := make([]byte, 5<<20)
		if _, err := rand.Read(data); err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		_, err := c.Run(t.Context(), remote.Command{Script: "cat", Stdin: bytes.NewReader(data), Stdout: sum})
		want := sha256.Sum256(data)
		if err != nil || !bytes.Equal(sum.Sum(nil), want[:]) {
			t.Errorf("got %v, %x", err, sum.Sum(nil))
		}
	})
	t.Run("input that is not read", func(t *testing.T) {
		if _, err := c.Run(t.Context(), remote.Command{Script: "exit 0", Stdin: neverEnds{}}); err != nil {
			t.Error(err)
		}
	})
	t.Run("input that breaks", func(t *testing.T) {
		broken := io.MultiReader(strings.NewReader("some"), failingReader{errors.New("the disk is gone")})
		_, err := c.Run(t.Context(), remote.Command{Script: "cat >/dev/null", Stdin: broken})
		if err == nil || !strings.Contains(err.Error(), "the disk is gone") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("more sessions than sshd allows", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 24 {
			wg.Go(func() {
				if _, err := c.Run(t.Context(), remote.Command{Script: "sleep 0.01"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := c.Run(ctx, remote.Command{Script: "sleep 60"})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
		run(t, c, "true")
	})
	t.Run("dial", func(t *testing.T) {
		conn, err := c.Dial(t.Context(), "tcp", d.address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		hello := make([]byte, 7)
		if _, err := io.ReadFull(conn, hello); err != nil || string(hello) != "SSH-2.0" {
			t.Errorf("got %q, %v", hello, err)
		}
	})
}

type neverEnds struct{}

func (neverEnds) Read(p []byte) (int, error) { return len(p), nil }

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestUnreachable(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	ca, _ := signer(t)
	for address, want := range map[string]Reason{
		"127.0.0.1:" + freePort(t): Refused,
		silent.Addr().String():     TimedOut,
		"no-such-host.invalid:22":  NameNotFound,
	} {
		_, err := Connect(t.Context(), Options{
			Name: "cp1", Address: address, User: "root", ConnectTimeout: 200 * time.Millisecond,
			HostKeys: HostKeys{Authority: ssh.MarshalAuthorizedKey(ca.PublicKey())},
		})
		if reasonOf(err) != want {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

func TestSudo(t *testing.T) {
	d := startDaemon(t)
	const secret = "line one\nopensesame\nline three"
	cases := map[string]Options{
		"without a password":    d.options(t, "free"),
		"with a password":       with(d.options(t, "ask"), "opensesame"),
		"with a mistyped first": with(d.options(t, "ask"), "wrong", "opensesame"),
	}
	for name, o := range cases {
		t.Run(name, func(t *testing.T) {
			c := connect(t, o)
			for range 2 {
				res, err := c.Run(t.Context(), remote.Command{
					Script: `id -u; cat; echo; tr '\0' ' ' </proc/$PPID/cmdline | grep -c open[s]esame; :`,
					Stdin:  strings.NewReader(secret),
				})
				if got := string(res.Stdout); err != nil || got != "0\n"+secret+"\n0\n" {
					t.Errorf("got %q, %v", got, err)
				}
			}
		})
	}
	for name, o := range map[string]Options{
		"nobody to ask":  d.options(t, "ask"),
		"wrong password": with(d.options(t, "ask"), "a", "b", "c"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Connect(t.Context(), o); reasonOf(err) != SudoRefused {
				t.Errorf("got %v", err)
			}
		})
	}
}

func with(o Options, passwords ...string) Options {
	o.Password = func(_ context.Context, _ string, attempt int) (string, error) { return passwords[attempt-1], nil }
	return o
}

func TestJumpHosts(t *testing.T) {
	outer, middle, inner := startDaemon(t), startDaemon(t), startDaemon(t)
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	known := outer.knownLine(outer.hostKey) + middle.knownLine(middle.hostKey)
	_, port, _ := strings.Cut(middle.address, ":")
	config := "Host middle\n  HostName 127.0.0.1\n  Port " + port + "\n  IdentityFile ~/.ssh/key\n  User free\n"
	for name, text := range map[string]string{"known_hosts": known, "config": config, "key": string(middle.user)} {
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := ReadConfig(home)
	if err != nil {
		t.Fatal(err)
	}
	way, err := OpenJumps(t.Context(), []string{"root@" + outer.address, "middle"}, c, "nobody", outer.options(t, "root").Auth, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := inner.options(t, "root")
	o.Dial = way.Dial
	client := connect(t, o)
	if got := run(t, client, "echo here"); got != "here" {
		t.Errorf("got %q", got)
	}
	if err := way.Close(); err != nil {
		t.Error(err)
	}
	if _, err := client.Run(t.Context(), remote.Command{Script: "true"}); reasonOf(err) != ConnectionLost {
		t.Errorf("got %v", err)
	}
}

// stallingConn gives nothing more once it is stalled, like a machine that lost
// its power.
type stallingConn struct {
	net.Conn
	stalled chan struct{}
}

func (c *stallingConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		select {
		case <-c.stalled:
			if err != nil {
				return n, err
			}
		default:
			return n, err
		}
	}
}

func TestDeadPeerIsNoticed(t *testing.T) {
	d := startDaemon(t)
	stalled := make(chan struct{})
	o := d.options(t, "root")
	o.KeepAlive = 50 * time.Millisecond
	o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, network, address)
		return &stallingConn{conn, stalled}, err
	}
	c := connect(t, o)
	run(t, c, "sleep 0.3")
	time.AfterFunc(100*time.Millisecond, func() { close(stalled) })
	start := time.Now()
	_, err := c.Run(t.Context(), remote.Command{Script: "sleep 60"})
	if reasonOf(err) != ConnectionLost || time.Since(start) > 3*time.Second {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
}
