// Package traffic measures the addons: how long they take to be ready on a
// cluster that is, and what a request through the ingress costs beside one that
// goes to the same pod directly.
package traffic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kbm-dev/kbm/bench/internal/machines"
	"github.com/kbm-dev/kbm/bench/internal/report"
)

// The goals: all addons ready with their images in place, and the run after it
// that has nothing to do.
const (
	goalReady = 90 * time.Second
	goalNoop  = 3 * time.Second
)

// result is what one cluster gave.
type result struct {
	ready, noop     time.Duration
	direct, ingress load
}

// Measure makes one cluster of three machines: what is measured is long enough
// to be its own average.
func Measure(ctx context.Context, kbm string, _ int, log io.Writer) (rows []report.Row, err error) {
	m, err := machines.Boot(ctx, kbm, "controller", "worker", "edge")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close(ctx)) }()
	var r result
	if err := r.addons(ctx, m); err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(log, "traffic: all addons ready in %s\n", report.Seconds(r.ready))
	if err := r.requests(ctx, m); err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(log, "traffic: direct %s, through the ingress %s\n", r.direct, r.ingress)
	return r.judge(), nil
}

// judge holds the figures against their goals. What the ingress costs has none:
// it is Traefik's, and the figure is there to notice a change.
func (r result) judge() []report.Row {
	return []report.Row{
		{
			What: "kbm up on a ready cluster, to all addons ready", Kbm: report.Seconds(r.ready),
			Goal: fmt.Sprintf("≤ %.0f s", goalReady.Seconds()), Missed: r.ready > goalReady,
		},
		{
			What: "kbm up with nothing to do, all addons", Kbm: report.Seconds(r.noop),
			Goal: fmt.Sprintf("≤ %.0f s", goalNoop.Seconds()), Missed: r.noop > goalNoop,
		},
		{
			What: "requests through the ingress, and to the pod", Kbm: fmt.Sprintf("%.0f/s", r.ingress.rate),
			Beside: fmt.Sprintf("%.0f/s", r.direct.rate), Ratio: fmt.Sprintf("%.2f", r.ingress.rate/r.direct.rate),
		},
		{
			What: "their 99th percentile", Kbm: report.Milliseconds(r.ingress.p99),
			Beside: report.Milliseconds(r.direct.p99), Ratio: fmt.Sprintf("%.2f", r.ingress.p99.Seconds()/r.direct.p99.Seconds()),
		},
	}
}
