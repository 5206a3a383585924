// Package push measures how fast a bundle comes to machines: `kbm push` to four
// of them at once, beside four OpenSSH clients that send the same bytes to the
// same machines at once, each into a file there.
//
// What is the client's advantage is left to it: the bytes lie in one file
// beforehand, so that they are one stream; it logs in as root; nothing is
// compared there with a SHA256. On both sides all bytes are on the far disk, and
// not in its memory only, when the clock stops.
package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kbm-dev/kbm/bench/internal/machines"
	"github.com/kbm-dev/kbm/bench/internal/report"
)

// The goals: kbm's time against that of the clients, and the time of a push
// that finds everything in place.
const (
	goalRatio = 1.3
	goalNoop  = time.Second
)

// images are added to what each machine needs, so that the least of them gets
// 400 MB.
const images = "\nbundle:\n  images: [agnhost, traefik, external-dns, cert-manager-controller, cert-manager-webhook, metrics-server, oauth2-proxy]\n"

// result is one measurement.
type result struct {
	bytes int64 // to all machines
	// sent is from kbm's start to its event that the last machine holds all,
	// verified; loaded to its end, when containerd holds the images, too.
	sent, loaded, noop time.Duration
	// ssh is with OpenSSH's own choice of a cipher, and same with kbm's.
	ssh, same time.Duration
}

func (r result) ratio() float64 { return r.sent.Seconds() / r.ssh.Seconds() }

// Measure takes fresh machines for each run, and shows the run with the median
// ratio.
func Measure(ctx context.Context, kbm string, runs int, log io.Writer) ([]report.Row, error) {
	var all []result
	for range runs {
		r, err := measure(ctx, kbm)
		if err != nil {
			return nil, err
		}
		_, _ = fmt.Fprintf(log, "push: %d MB to %d machines in %s, by ssh in %s (%.2f), with kbm's cipher in %s; loaded in %s, nothing to do in %s\n",
			r.bytes/1e6, size, report.Seconds(r.sent), report.Seconds(r.ssh), r.ratio(), report.Seconds(r.same), report.Seconds(r.loaded), report.Seconds(r.noop))
		all = append(all, r)
	}
	ratio := report.Median(all, result.ratio)
	for _, r := range all {
		if r.ratio() == ratio {
			return r.judge(), nil
		}
	}
	return nil, errors.New("no run was made")
}

// size is how many machines there are.
const size = 4

// measure has the clients run before kbm and after it: what else the computer
// does meanwhile slows both sides.
func measure(ctx context.Context, kbm string) (r result, err error) {
	m, err := machines.Boot(ctx, kbm, "controller", "worker", "worker", "worker")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close(ctx)) }()
	if err := m.Spec("bundle", images); err != nil {
		return r, err
	}
	scratch, err := os.MkdirTemp("", "kbm-bench-*")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	c := clients{m: m, dir: scratch}
	if err := c.prepare(ctx); err != nil {
		return r, err
	}
	r.bytes = c.bytes
	for _, turn := range []func() error{
		func() error { return add(&r.ssh)(c.send(ctx, usual)) },
		func() error { return add(&r.same)(c.send(ctx, same)) },
		func() error { return r.push(ctx, m) },
		func() error { return add(&r.same)(c.send(ctx, same)) },
		func() error { return add(&r.ssh)(c.send(ctx, usual)) },
	} {
		if err := turn(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// add makes the mean of two measurements.
func add(mean *time.Duration) func(time.Duration, error) error {
	return func(took time.Duration, err error) error {
		*mean += took / 2
		return err
	}
}

// judge holds the figures against their goals. What containerd takes to unpack
// the images has none: there is nothing to hold it against.
func (r result) judge() []report.Row {
	rate := func(d time.Duration) string {
		return fmt.Sprintf("%s, %.0f MB/s", report.Seconds(d), float64(r.bytes)/1e6/d.Seconds())
	}
	return []report.Row{
		{
			What: fmt.Sprintf("%d MB to %d machines, verified, and by ssh cat", r.bytes/1e6, size),
			Kbm:  rate(r.sent), Beside: rate(r.ssh),
			Ratio: fmt.Sprintf("%.2f", r.ratio()), Goal: fmt.Sprintf("≤ %.1f", goalRatio), Missed: r.ratio() > goalRatio,
		},
		{
			What: "the same, and by ssh cat with kbm's cipher", Kbm: rate(r.sent), Beside: rate(r.same),
			Ratio: fmt.Sprintf("%.2f", r.sent.Seconds()/r.same.Seconds()),
		},
		{What: "the same, until containerd has unpacked the images", Kbm: report.Seconds(r.loaded)},
		{
			What: "kbm push with everything in place", Kbm: report.Seconds(r.noop),
			Goal: fmt.Sprintf("< %.0f s", goalNoop.Seconds()), Missed: r.noop >= goalNoop,
		},
	}
}
