//go:build lab

package addons

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

// TestAuth runs oauth2-proxy with dex, an OpenID Connect provider, and signs in
// as a browser would that comes through an ingress.
func TestAuth(t *testing.T) {
	if !alone(t) {
		return
	}
	const host, app = "auth.home.example", "https://app.home.example/page?a=b"
	s := newStreet(t, cluster.Addons{Auth: &cluster.Auth{
		Provider: "oidc", IssuerURL: "http://" + streetHome + ":5556/dex", ClientID: "kbm", ClientSecret: cluster.Secret{Env: "SECRET"},
		Hosts: []string{host}, Class: "external", Issuer: "private-ca",
		CookieDomains: []string{".home.example"}, EmailDomains: []string{"kilgore.trout"},
		Options: map[string]string{"cookie-name": "signed-in"},
	}}, "auth")
	s.openProvider(t, "https://"+host+"/oauth2/callback")
	at := s.move(t, "auth", "10.99.0.11")
	s.live(t, "oauth2-proxy", find(t, s.all, "Deployment", "oauth2-proxy"), at)
	v := &browser{proxy: "http://" + at.address + ":4180", host: host, cookies: map[string]string{}}

	if got := v.get(t, v.proxy+"/oauth2/auth"); got.StatusCode != http.StatusUnauthorized {
		t.Fatalf("before the sign-in: %s", got.Status)
	}
	toProvider := v.get(t, v.proxy+"/oauth2/start?rd="+url.QueryEscape(app))
	if to := toProvider.Header.Get("Location"); !strings.Contains(to, url.QueryEscape("https://"+host+"/oauth2/callback")) {
		t.Fatalf("the sign-in does not come back to its host: %s %s", toProvider.Status, to)
	}
	back := v.follow(t, toProvider, "https://"+host)
	done := v.get(t, strings.Replace(back, "https://"+host, v.proxy, 1))
	if got := done.Header.Get("Location"); got != app {
		t.Fatalf("the sign-in ends at %s %q, want %s", done.Status, got, app)
	}
	for _, cookie := range done.Cookies() {
		if cookie.Name == "signed-in" && (!cookie.Secure || !cookie.HttpOnly || cookie.Domain != "home.example") {
			t.Errorf("the cookie: %s", cookie)
		}
	}
	answer := v.get(t, v.proxy+"/oauth2/auth")
	if answer.StatusCode != http.StatusAccepted || answer.Header.Get("X-Auth-Request-Email") != "kilgore@kilgore.trout" {
		t.Errorf("after the sign-in: %s for %q", answer.Status, answer.Header.Get("X-Auth-Request-Email"))
	}
	if got := v.get(t, v.proxy+"/oauth2/start?rd="+url.QueryEscape("https://evil.example/")); strings.Contains(got.Header.Get("Location"), "evil") {
		t.Errorf("a sign-in may end anywhere: %s", got.Header.Get("Location"))
	}
}

// openProvider runs dex with a user who is always signed in there.
func (s *street) openProvider(t *testing.T, back string) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "dex.yaml")
	// The client's secret is what keptBy has for one.
	text := fmt.Sprintf(`issuer: http://%[1]s:5556/dex
storage: {type: memory}
web: {http: "%[1]s:5556"}
oauth2: {skipApprovalScreen: true}
connectors: [{type: mockCallback, id: mock, name: mock}]
staticClients: [{id: kbm, name: kbm, secret: c2VjcmV0, redirectURIs: [%[2]q]}]
`, streetHome, back)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start(t, s.program(t, "dex"), "serve", config)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	eventually(ctx, t, "the provider answers", func() error {
		return ok(http.Get("http://" + streetHome + ":5556/dex/.well-known/openid-configuration"))
	})
}

// browser asks oauth2-proxy as an ingress does for it. It keeps cookies though
// they are for HTTPS only: that much is the ingress's part.
type browser struct {
	proxy, host string
	cookies     map[string]string
}

func (b *browser) get(t *testing.T, to string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(to, b.proxy) {
		request.Header.Set("X-Forwarded-Host", b.host)
		request.Header.Set("X-Forwarded-Proto", "https")
	}
	for name, value := range b.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	for _, cookie := range response.Cookies() {
		b.cookies[cookie.Name] = cookie.Value
	}
	return response
}

// follow goes where it is sent until that begins as said.
func (b *browser) follow(t *testing.T, response *http.Response, until string) string {
	t.Helper()
	for range 10 {
		to, err := response.Location()
		if err != nil {
			t.Fatalf("%s: %v", response.Request.URL, err)
		}
		if strings.HasPrefix(to.String(), until) {
			return to.String()
		}
		response = b.get(t, to.String())
	}
	t.Fatalf("sent on and on, at last to %s", response.Header.Get("Location"))
	return ""
}
