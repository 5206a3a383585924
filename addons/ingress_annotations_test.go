//go:build lab

package addons

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	nginx = "nginx.ingress.kubernetes.io/"
	old   = "ingress.kubernetes.io/"
	// htpasswd is what `htpasswd -c auth someuser` wrote for somepassword.
	htpasswd = "someuser:$apr1$kbmtests$HesGzKWfxJv47EPZqhTMy/\n"
)

func someuser(password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth("someuser", password) }
}

// classesApart: no instance serves what is another's, however the class is named.
func classesApart(t *testing.T, d *doorstep) {
	b := newBackend(t, "apart")
	byClass := map[string]map[string]string{"nginx-external": nil, "nginx": nil, "host": nil}
	for class := range byClass {
		d.service(t, "default", "field-"+class, b)
		d.ingress(t, "field-"+class, class, nil)
		d.service(t, "default", "annotation-"+class, b)
		d.ingress(t, "annotation-"+class, "", map[string]string{"kubernetes.io/ingress.class": class})
	}
	d.service(t, "default", "unnamed", b)
	d.ingress(t, "unnamed", "", nil)
	d.service(t, "default", "foreign", b)
	d.ingress(t, "foreign", "someone-elses", nil)
	for _, w := range ways() {
		v := d.visitor(w)
		for class := range byClass {
			for _, host := range []string{"field-" + class, "annotation-" + class} {
				if class == w.class {
					v.until(t, "http://"+host+".test/", 200)
				}
			}
		}
	}
	for _, w := range ways() {
		v := d.visitor(w)
		for class := range byClass {
			if class != w.class {
				v.wantNobody(t, "field-"+class)
				v.wantNobody(t, "annotation-"+class)
			}
		}
		v.wantNobody(t, "foreign")
		if w.class == "nginx" {
			v.until(t, "http://unnamed.test/", 200)
		} else {
			v.wantNobody(t, "unnamed")
		}
	}
}

// wantNobody: no backend of the Ingress answers.
func (v visitor) wantNobody(t *testing.T, name string) {
	t.Helper()
	if a := v.get(t, "http://"+name+".test/"); a.StatusCode != http.StatusNotFound || a.seen.Backend != "" {
		t.Errorf("%s serves %s: %s by %q", v.to, name, a.Status, a.seen.Backend)
	}
}

// annotationsWork is one row for what an Ingress of ingress-nginx may ask for.
func annotationsWork(t *testing.T, d *doorstep) {
	d.create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "passwords"},
		Data:       map[string][]byte{"auth": []byte(htpasswd)},
	})
	one, two := newBackend(t, "one"), newBackendAt(t, lanPod, "two")
	v := d.visitor(ways()[1])
	stranger := v
	stranger.from = lanStranger
	for _, row := range []struct {
		name        string
		annotations map[string]string
		first       int // the status that tells that the Ingress was read
		check       func(t *testing.T, url string)
	}{
		{
			"auth-basic",
			map[string]string{nginx + "auth-type": "basic", nginx + "auth-secret": "passwords", nginx + "auth-realm": "Who is there"},
			401,
			func(t *testing.T, url string) {
				if got := v.want(t, url, 401).Header.Get("WWW-Authenticate"); got != `Basic realm="Who is there"` {
					t.Errorf("asks with %q", got)
				}
				v.want(t, url, 401, someuser("wrong"))
				v.want(t, url, 200, someuser("somepassword"))
			},
		},
		{
			"limit-rps",
			map[string]string{nginx + "limit-rps": "2", nginx + "limit-burst-multiplier": "2"},
			200,
			func(t *testing.T, url string) {
				if n := v.count(t, url, 20)[429]; n < 10 {
					t.Errorf("%d of 20 requests at once were refused", n)
				}
				if n := stranger.count(t, url, 3)[429]; n != 0 {
					t.Error("the limit of one client hits another")
				}
			},
		},
		{
			"limit-rpm",
			map[string]string{nginx + "limit-rpm": "2"},
			200,
			func(t *testing.T, url string) {
				if n := v.count(t, url, 20)[429]; n < 9 { // 2 x 5 pass
					t.Errorf("%d of 20 requests at once were refused", n)
				}
				// The page for people who come from ingress-nginx warns of this.
				d.ingress(t, "another", "nginx", map[string]string{nginx + "permanent-redirect": "https://elsewhere.example/"})
				v.until(t, "http://another.test/", 301)
				v.want(t, url, 200)
			},
		},
		{
			"limit-connections",
			map[string]string{nginx + "limit-connections": "1"},
			200,
			func(t *testing.T, url string) {
				d.untilBoth(t, v, url)
				first := make(chan int)
				go func() {
					a, err := v.ask(url + "slow")
					if err != nil {
						first <- 0
						return
					}
					first <- a.StatusCode
				}()
				select {
				case <-one.held:
				case <-two.held:
				case got := <-first:
					t.Fatalf("the first connection got %d", got)
				}
				v.want(t, url, 429)
				stranger.want(t, url, 200)
				close(one.hold)
				close(two.hold)
				if got := <-first; got != 200 {
					t.Errorf("the first connection got %d", got)
				}
				v.want(t, url, 200)
			},
		},
		{
			"affinity",
			map[string]string{nginx + "affinity": "cookie", nginx + "session-cookie-name": "route"},
			200,
			func(t *testing.T, url string) {
				first := v.want(t, url, 200)
				cookies := first.Cookies()
				if len(cookies) != 1 || cookies[0].Name != "route" {
					t.Fatalf("cookies %v", cookies)
				}
				for range 10 {
					again := v.want(t, url, 200, func(r *http.Request) { r.AddCookie(cookies[0]) })
					if again.seen.Backend != first.seen.Backend {
						t.Errorf("with its cookie a client of %s was sent to %s", first.seen.Backend, again.seen.Backend)
					}
				}
				d.untilBoth(t, v, url)
			},
		},
		{
			"whitelist",
			map[string]string{nginx + "whitelist-source-range": "10.1.0.0/16, " + lanNode + "/32"},
			200,
			func(t *testing.T, url string) {
				stranger.want(t, url, 403)
				// Nobody says of himself where he comes from.
				stranger.want(t, url, 403, header("X-Forwarded-For", lanNode))
			},
		},
		{
			"rewrite",
			map[string]string{nginx + "rewrite-target": "/inner/"},
			200,
			func(t *testing.T, url string) {
				if got := v.want(t, url, 200).seen.Path; got != "/inner/" {
					t.Errorf("the backend was asked for %s", got)
				}
			},
		},
		{
			"cors",
			map[string]string{nginx + "enable-cors": "true", nginx + "cors-allow-origin": "https://a.example"},
			200,
			func(t *testing.T, url string) {
				got := v.want(t, url, 200, header("Origin", "https://a.example")).Header
				if got.Get("Access-Control-Allow-Origin") != "https://a.example" {
					t.Errorf("headers %v", got)
				}
			},
		},
		{
			"moved",
			map[string]string{nginx + "permanent-redirect": "https://elsewhere.example/"},
			301,
			func(t *testing.T, url string) {
				if got := v.want(t, url, 301).Header.Get("Location"); got != "https://elsewhere.example/" {
					t.Errorf("to %s", got)
				}
			},
		},
		{
			"alias",
			map[string]string{nginx + "server-alias": "another-name.test"},
			200,
			func(t *testing.T, _ string) { v.until(t, "http://another-name.test/", 200) },
		},
		{
			"upstream-vhost",
			map[string]string{nginx + "upstream-vhost": "inner.example"},
			200,
			func(t *testing.T, url string) {
				if got := v.want(t, url, 200).seen.Host; got != "inner.example" {
					t.Errorf("the backend was asked as %s", got)
				}
			},
		},
		{
			"body-size",
			map[string]string{nginx + "proxy-request-buffering": "on", nginx + "proxy-body-size": "1k"},
			200,
			func(t *testing.T, url string) {
				v.want(t, url, 413, body(2048))
				v.want(t, url, 200, body(512))
			},
		},
		{
			"body-size-unbuffered",
			map[string]string{nginx + "proxy-body-size": "1k"},
			200,
			func(t *testing.T, url string) { v.want(t, url, 200, body(2<<20)) },
		},
		{
			"to-www",
			map[string]string{nginx + "from-to-www-redirect": "true"},
			200,
			func(t *testing.T, _ string) {
				if got := v.until(t, "http://www.to-www.test/x", 308).Header.Get("Location"); got != "http://to-www.test/x" {
					t.Errorf("to %s", got)
				}
			},
		},
		{
			"old-limit",
			map[string]string{old + "limit-rps": "1"},
			200,
			func(t *testing.T, url string) {
				if n := v.count(t, url, 20)[429]; n < 10 { // 1 x 5 pass
					t.Errorf("%d of 20 requests at once were refused", n)
				}
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			d.service(t, "default", row.name, one, two)
			d.ingress(t, row.name, "nginx", row.annotations)
			url := "http://" + row.name + ".test/"
			v.until(t, url, row.first)
			row.check(t, url)
		})
	}
	t.Run("nothing matches", func(t *testing.T) {
		// The class nginx has a Service for it, nginx-external has none.
		if a := d.visitor(ways()[0]).want(t, "http://no-such-host.test/", 404); a.text != "404 page not found\n" {
			t.Errorf("says %q", a.text)
		}
		d.service(t, "kube-system", "default-http-backend", newBackend(t, "default-backend"))
		if got := v.until(t, "http://no-such-host.test/", 200).seen.Backend; got != "default-backend" {
			t.Errorf("%q answers", got)
		}
	})
}

// untilBoth: the ingress knows both backends, and takes them in turn.
func (d *doorstep) untilBoth(t *testing.T, v visitor, url string) {
	t.Helper()
	d.until(t, "both backends are asked", func() error {
		if got := v.want(t, url, 200).seen.Backend; got == v.want(t, url, 200).seen.Backend {
			return fmt.Errorf("only %s", got)
		}
		return nil
	})
}

func body(size int) func(*http.Request) {
	return func(r *http.Request) {
		r.Method, r.ContentLength = http.MethodPost, int64(size)
		r.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", size)))
	}
}

// count asks n times and counts the answers by status.
func (v visitor) count(t *testing.T, url string, n int) map[int]int {
	t.Helper()
	got := map[int]int{}
	for range n {
		got[v.get(t, url).StatusCode]++
	}
	return got
}

// annotationsIgnored are those that docs/tasks/from-ingress-nginx.md warns of.
func annotationsIgnored(t *testing.T, d *doorstep) {
	b := newBackend(t, "ignored")
	v := d.visitor(ways()[0])
	for name, annotations := range map[string]map[string]string{
		"denylist":    {nginx + "denylist-source-range": lanNode + "/32"},
		"modsecurity": {nginx + "enable-modsecurity": "true"},
		"mirror":      {nginx + "mirror-target": "http://10.99.0.1:1/"},
	} {
		d.service(t, "default", name, b)
		d.ingress(t, name, "nginx-external", annotations)
		v.until(t, "http://"+name+".test/", 200)
	}
	// A snippet could take over the whole ingress; such an Ingress is not served.
	d.service(t, "default", "snippet", b)
	d.ingress(t, "snippet", "nginx-external", map[string]string{nginx + "configuration-snippet": "more_set_headers \"X: y\";"})
	d.service(t, "default", "after-snippet", b)
	d.ingress(t, "after-snippet", "nginx-external", nil)
	v.until(t, "http://after-snippet.test/", 200)
	v.wantNobody(t, "snippet")
}
