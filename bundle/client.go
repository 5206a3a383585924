package bundle

import (
	"net/http"
)

// newTransport is how kbm asks the world: through the proxy that the
// environment names. Go's own transport has it, with the time limits of
// connecting.
func newTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	// A part of a file that was compressed on its way could not be resumed.
	t.DisableCompression = true
	return t
}

// overTLS asks over TLS whatever a redirect or a library says, but for hosts
// that the user named with http. The library for registries would fall back to
// plain HTTP wherever an address looks like one of a local network.
type overTLS struct {
	next  http.RoundTripper
	plain map[string]bool // by host:port
}

var _ http.RoundTripper = overTLS{}

func (t overTLS) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" && !t.plain[req.URL.Host] {
		req = req.Clone(req.Context())
		req.URL.Scheme = "https"
	}
	return t.next.RoundTrip(req)
}
