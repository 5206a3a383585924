package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/leaderelection"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/pkg/controller"
)

// readTimeout is how long a client may take to send its request.
const readTimeout = 10 * time.Second

// serveHealth answers /livez: not with 200 once the leader's Lease is lost.
func serveHealth(ctx context.Context, group *errgroup.Group, address string, alive *leaderelection.HealthzAdaptor) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/livez", func(w http.ResponseWriter, r *http.Request) {
		if err := alive.Check(r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	listener, err := listen(ctx, address)
	if err != nil {
		return err
	}
	serve(ctx, group, &http.Server{Handler: mux, ReadTimeout: readTimeout}, listener)
	return nil
}

// serveMetrics answers /metrics with what the controllers count, and with the
// state of certificates, issuers and challenges.
func serveMetrics(ctx context.Context, group *errgroup.Group, c *config.ControllerConfiguration, root *controller.Context) error {
	informers := root.SharedInformerFactory
	root.Metrics.SetupCertificateCollector(informers.Certmanager().V1().Certificates().Lister())
	root.Metrics.SetupIssuerCollector(informers.Certmanager().V1().Issuers().Lister())
	root.Metrics.SetupACMECollector(informers.Acme().V1().Challenges().Lister())
	if c.Namespace == "" {
		root.Metrics.SetupClusterIssuerCollector(informers.Certmanager().V1().ClusterIssuers().Lister())
	}
	listener, err := listen(ctx, c.MetricsListenAddress)
	if err != nil {
		return err
	}
	serve(ctx, group, root.Metrics.NewServer(listener), listener)
	return nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

// serve runs a server until the context ends.
func serve(ctx context.Context, group *errgroup.Group, server *http.Server, listener net.Listener) {
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
}
