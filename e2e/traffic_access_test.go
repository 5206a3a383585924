//go:build lab

package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func basicAuth(t *testing.T, x *traffic) {
	b := browse(t, x.Cluster, nil)
	const page = "http://basic.example.com/hostname"
	refused := b.want(t, page, http.StatusUnauthorized)
	if got := refused.header.Get("Www-Authenticate"); got != `Basic realm="Authentication Required"` {
		t.Errorf("asked for a password with %q", got)
	}
	b.want(t, page, http.StatusUnauthorized, basic("someuser", "another"))
	b.wantBody(t, page, "steady", basic("someuser", "somepassword"))
}

// A stranger is led to the sign-in, enters a password at the provider, and is
// back at the page, whose app knows who it is. The sign-in is good for another
// app of the domain, and a made-up header for nobody.
func signIn(t *testing.T, x *traffic) {
	b := browse(t, x.Cluster, x.all)
	const page = "https://members.example.com/header?key=X-Auth-Request-Email"
	lie := func(r *http.Request) { r.Header.Set("X-Auth-Request-Email", person) }
	stranger := b.staying().want(t, page, http.StatusFound, lie)
	if to := stranger.header.Get("Location"); !strings.HasPrefix(to, "https://auth.example.com/oauth2/start?rd=") {
		t.Fatalf("a stranger is sent to %q", to)
	}
	form := b.want(t, page, http.StatusOK)
	if !strings.HasPrefix(form.url, ssoURL) || !strings.Contains(form.body, "password") {
		t.Fatalf("a stranger ends at %s", form)
	}
	wrong := b.fill(t, form, "wrong")
	if strings.HasPrefix(wrong.url, "https://members") {
		t.Fatalf("a wrong password leads in: %s", wrong)
	}
	in := b.fill(t, form, password)
	if in.status != http.StatusOK || in.url != page || in.body != person {
		t.Fatalf("after the sign-in: %s", in)
	}
	b.wantBody(t, "https://members.example.com/hostname", "steady")
	b.wantBody(t, page, person, lie)
}

// fill sends the provider's form.
func (b *browser) fill(t *testing.T, form page, password string) page {
	t.Helper()
	content := url.Values{"login": {person}, "password": {password}}.Encode()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, form.url, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := b.send(request)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Forty requests at once are more than one a second with a burst of two.
func rateLimit(t *testing.T, x *traffic) {
	b := browse(t, x.Cluster, nil)
	b.want(t, "http://limited.example.com/hostname", http.StatusOK)
	flood(t, b, "http://limited.example.com/hostname", 40)
	b.want(t, "http://limited.example.com/hostname", http.StatusOK)
}

// flood asks many times at once: some requests get through, others are too many,
// and there is no other answer.
func flood(t *testing.T, b *browser, page string, requests int) {
	t.Helper()
	statuses := make(chan int)
	for range requests {
		go func() {
			got, _ := b.get(t.Context(), page) // no answer is status 0
			statuses <- got.status
		}()
	}
	count := map[int]int{}
	for range requests {
		count[<-statuses]++
	}
	t.Logf("%d requests at once to %s: %v", requests, page, count)
	if count[http.StatusTooManyRequests] == 0 || count[http.StatusOK] == 0 || count[http.StatusOK]+count[http.StatusTooManyRequests] != requests {
		t.Errorf("%d requests at once to %s: %v", requests, page, count)
	}
}

func allowList(t *testing.T, x *traffic) {
	b := browse(t, x.Cluster, nil)
	b.wantBody(t, "http://office.example.com/hostname", "steady")
	b.want(t, "http://elsewhere.example.com/hostname", http.StatusForbidden)
}

// Without its cookie a client is served by both pods, with it by one.
func stickyCookie(t *testing.T, x *traffic) {
	served := func(b *browser, name string) map[string]int {
		by := map[string]int{}
		for range 10 {
			by[b.want(t, "http://"+name+"/hostname", http.StatusOK).body]++
		}
		return by
	}
	b := browse(t, x.Cluster, nil)
	if by := served(b, "spread.example.com"); len(by) != 2 {
		t.Errorf("without a cookie ten requests were served by %v", by)
	}
	first := b.want(t, "http://sticky.example.com/hostname", http.StatusOK)
	if cookie := first.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "stays=") {
		t.Errorf("cookie: %q", cookie)
	}
	if by := served(b, "sticky.example.com"); by[first.body] != 10 {
		t.Errorf("with the cookie of %s ten requests were served by %v", first.body, by)
	}
}
