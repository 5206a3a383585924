package external

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

// TestTraffic sends real traffic through a real HAProxy with the printed
// configuration: controllers of which some are not what they should be; a class
// behind the PROXY protocol and one without; a machine outside of the cluster.
func TestTraffic(t *testing.T) {
	t.Parallel()
	lo := newLoopback()
	ca, stranger := newAuthority(t), newAuthority(t)
	const api = "api.example.com" // what clients ask for, and every certificate of the API names
	c := &cluster.Cluster{
		Name: "traffic", Endpoint: cluster.Endpoint{Host: api},
		Nodes: []cluster.Node{
			node("cp1", cluster.Controller, lo.ip(1)), node("cp2", cluster.Controller, lo.ip(2)),
			node("cp3", cluster.Controller, lo.ip(3)), node("cp4", cluster.Controller, lo.ip(4)), node("cp5", cluster.Controller, lo.ip(5)),
			node("cp6", cluster.Controller, lo.ip(6)),
		},
		Addons: cluster.Addons{Ingress: &cluster.Ingress{Classes: []cluster.IngressClass{
			{Name: "external", Default: true, Expose: cluster.NodePort, TrustedProxies: []string{lo.ip(100)}, Hosts: []string{"app.example.com"}},
			{Name: "internal", Expose: cluster.NodePort, HTTPNodePort: 31080, HTTPSNodePort: 31443, Publish: []string{lo.ip(100)}, Hosts: []string{"wiki.lan.example.com", "*.lan.example.com"}},
		}}},
	}
	c = c.WithDefaults()

	// cp1 and cp2 work; cp3 is down, cp4 not ready, cp5 of another cluster, and
	// at cp6 is another machine of this one.
	serve(t, "api of cp1", lo.at(1, 6443), ca.serving(t, "cp1", api), false)
	cp2 := serve(t, "api of cp2", lo.at(2, 6443), ca.serving(t, "cp2", api), false)
	serve(t, "api of cp4", lo.at(4, 6443), ca.serving(t, "cp4"), false).unready.Store(true)
	serve(t, "api of a stranger", lo.at(5, 6443), stranger.serving(t, "cp5"), false)
	serve(t, "api of another", lo.at(6, 6443), ca.serving(t, "w1", api), false)
	app, wiki := ca.serving(t, "app.example.com", "other.example.com"), ca.serving(t, "wiki.lan.example.com", "any.lan.example.com")
	for n := 1; n <= 2; n++ { // the other nodes have nobody at their NodePorts
		serve(t, "external", lo.at(n, 30080), nil, true)
		serve(t, "external", lo.at(n, 30443), app, true)
		serve(t, "internal", lo.at(n, 31080), nil, false)
		serve(t, "internal", lo.at(n, 31443), wiki, false)
	}
	serve(t, "nas", lo.at(50, 443+5000), ca.serving(t, "nas.lan.example.com", "nobody.example.com"), false)

	o := proxy(t, c)
	o.Listen, o.Stats, o.User, o.Group, o.CAFile = []string{lo.ip(100)}, lo.at(100, 8404), "", "", ca.file
	o.HTTPPort, o.HTTPSPort = 8080, 8443
	o.HTTPS = []Elsewhere{{Name: "nas.lan.example.com", To: lo.at(50, 5443)}}
	o.HTTPSDefault = lo.at(50, 5443)
	start(t, o)

	client := visitor{t: t, ca: ca, from: lo.ip(200)}
	httpsAt, httpAt, apiAt := lo.at(100, 8443), lo.at(100, 8080), lo.at(100, 6443)
	eventually(t, "the servers that do not work are out", 20*time.Second, func() error {
		status := client.get("http://"+lo.at(100, 8404)+"/metrics", "")
		for _, backend := range []string{"api", "http-external", "http-internal", "https-external", "https-internal"} {
			for n := 1; n <= 6; n++ {
				up := 0
				if n <= 2 {
					up = 1
				}
				want := fmt.Sprintf(`haproxy_server_status{proxy="%s",server="cp%d",state="UP"} %d`, backend, n, up)
				if !strings.Contains(status, want) {
					return fmt.Errorf("no %s", want)
				}
			}
		}
		return nil
	})
	if page := client.get("http://"+lo.at(100, 8404)+"/", ""); !strings.Contains(page, "https-internal") {
		t.Errorf("the page of statistics: %.200s", page)
	}

	t.Run("names", func(t *testing.T) {
		ours, me := lo.ip(100), lo.ip(200)
		for _, c := range []struct{ url, name, want string }{
			{httpsAt, "app.example.com", "external for " + me},
			{httpsAt, "APP.example.com", "external for " + me},
			{httpsAt, "wiki.lan.example.com", "internal for " + ours},
			{httpsAt, "any.lan.example.com", "internal for " + ours},
			{httpsAt, "nas.lan.example.com", "nas for " + ours}, // though *.lan is the class'
			{httpsAt, "nobody.example.com", "nas for " + ours},
			{httpAt, "app.example.com", "external for " + me},
			{httpAt, "app.example.com:8080", "external for " + me},
			{httpAt, "any.lan.example.com", "internal for " + ours},
			{httpAt, "nobody.example.com", "external for " + me},
		} {
			scheme := "http://"
			if c.url == httpsAt {
				scheme = "https://"
			}
			// HAProxy's own address towards the servers is the kernel's choice.
			got := client.get(scheme+c.url, c.name)
			if c.want != got && (strings.HasSuffix(c.want, me) || !strings.HasPrefix(got, strings.TrimSuffix(c.want, ours))) {
				t.Errorf("%s at %s is %q, want %q", c.name, scheme, got, c.want)
			}
		}
	})

	// A hello of today has a key of 1.2 KB, and so comes in two packets.
	t.Run("hello in pieces", func(t *testing.T) {
		conn, err := client.dial(t.Context(), "tcp", httpsAt)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		secure := tls.Client(&inPieces{Conn: conn}, &tls.Config{ServerName: "wiki.lan.example.com", RootCAs: ca.pool})
		if err := secure.HandshakeContext(t.Context()); err != nil {
			t.Error(err)
		}
	})

	t.Run("API", func(t *testing.T) {
		seen := map[string]bool{}
		for range 8 {
			seen[strings.TrimSuffix(client.get("https://"+apiAt, api), " for "+lo.ip(100))] = true
		}
		if len(seen) != 2 {
			t.Errorf("eight requests met %v", seen)
		}
		cp2.stop()
		for range 4 {
			if got := client.get("https://"+apiAt, api); !strings.HasPrefix(got, "api of cp1") {
				t.Errorf("while cp2 is not known to be gone: %s", got)
			}
		}
		eventually(t, "cp2 is out", 30*time.Second, func() error {
			if got := client.get("http://"+lo.at(100, 8404)+"/metrics", ""); !strings.Contains(got, `proxy="api",server="cp2",state="DOWN"} 1`) {
				return fmt.Errorf("cp2 is not down")
			}
			return nil
		})
		for range 4 {
			if got := client.get("https://"+apiAt, api); !strings.HasPrefix(got, "api of cp1") {
				t.Errorf("with cp2 gone: %s", got)
			}
		}
	})
}

// inPieces writes little at a time.
type inPieces struct{ net.Conn }

func (c *inPieces) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		var written int
		written, err = c.Conn.Write(p[:min(len(p), 100)])
		n, p = n+written, p[written:]
	}
	return n, err
}

// loopback is a network of this test's own in 127.0.0.0/8, so that nodes have
// the ports that nodes have.
type loopback struct{ prefix string }

func newLoopback() loopback {
	pid := os.Getpid()
	return loopback{fmt.Sprintf("127.%d.%d.", 64+pid%128, pid/128%256)}
}

func (l loopback) ip(n int) string       { return l.prefix + strconv.Itoa(n) }
func (l loopback) at(n, port int) string { return net.JoinHostPort(l.ip(n), strconv.Itoa(port)) }

// start runs HAProxy until the test ends.
func start(t *testing.T, o ProxyOptions) {
	t.Helper()
	file := write(t, "haproxy.cfg", o)
	cmd := exec.CommandContext(t.Context(), "haproxy", "-db", "-f", file)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (make setup installs it)", err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("haproxy said:\n%s", said.Bytes())
		}
	})
	eventually(t, "HAProxy listens", 20*time.Second, func() error {
		conn, err := net.Dial("tcp", o.Stats)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
}

func write(t *testing.T, name string, o ProxyOptions) string {
	t.Helper()
	text, err := haproxy(o)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// visitor is a client with an address of its own.
type visitor struct {
	t    *testing.T
	ca   *authority
	from string
}

func (v visitor) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(v.from)}, Timeout: 5 * time.Second}
	return d.DialContext(ctx, network, address)
}

// get asks for a page over a new connection; with TLS, the server has to prove
// the name.
func (v visitor) get(url, name string) string {
	v.t.Helper()
	transport := &http.Transport{
		DialContext: v.dial, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{ServerName: name, RootCAs: v.ca.pool},
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Host = name
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return "error: " + err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "error: " + err.Error()
	}
	return string(body)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, patience time.Duration, check func() error) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not after %s: %v", what, patience, err)
		case <-tick.C:
		}
	}
}
