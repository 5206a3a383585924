package addons

import (
	"fmt"
	"net/http"

	"github.com/fluxcd/pkg/ssa"
	"github.com/go-logr/logr"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// parallel is how many requests are under way at once. They share one HTTP/2
// connection, so it costs the API server little and hides the way there.
const parallel = 32

// Engine brings addons to a cluster, by server-side apply under one field
// manager: what others own in the same objects stays theirs.
type Engine struct {
	http      *http.Client
	client    client.Client
	discovery discovery.DiscoveryInterface
	ssa       *ssa.ResourceManager
}

// New connects to the API server that cfg names. Nothing is sent yet.
func New(cfg *rest.Config) (*Engine, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1 // client-go's own limit would stretch a no-op over seconds
	cfg.WarningHandlerWithContext = rest.NoWarnings{}
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", cfg.Host, err)
	}
	// Without a log of its own the library complains on stderr, half a minute
	// after the start, that it was given none.
	c, err := client.New(cfg, client.Options{HTTPClient: httpClient, Log: logr.New(log.NullLogSink{})})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", cfg.Host, err)
	}
	d, err := discovery.NewDiscoveryClientForConfigAndClient(cfg, httpClient)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", cfg.Host, err)
	}
	return &Engine{
		http:      httpClient,
		client:    c,
		discovery: d,
		ssa:       ssa.NewResourceManager(c, nil, ssa.Owner{Field: manager, Group: manager}),
	}, nil
}

// Close gives the connection back.
func (e *Engine) Close() { e.http.CloseIdleConnections() }
