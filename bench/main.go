// Command bench measures what a person waits for, each beside what it is to be
// held against, on the same computer in the same run, so that the ratios hold
// anywhere, whatever the seconds are. It ends with one table in Markdown.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kbm-dev/kbm/bench/cluster"
	"github.com/kbm-dev/kbm/bench/hosts"
	"github.com/kbm-dev/kbm/bench/internal/report"
	"github.com/kbm-dev/kbm/bench/media"
	"github.com/kbm-dev/kbm/bench/push"
	"github.com/kbm-dev/kbm/bench/traffic"
)

type options struct {
	kbm   string
	only  string
	runs  int
	check bool
}

// part is one benchmark. It tells its progress to log, and its findings at the end.
type part struct {
	name    string
	measure func(ctx context.Context, kbm string, runs int, log io.Writer) ([]report.Row, error)
}

func main() {
	parts := []part{{"cluster", cluster.Measure}, {"media", media.Measure}, {"hosts", hosts.Measure}, {"traffic", traffic.Measure}, {"push", push.Measure}}
	var o options
	flag.StringVar(&o.kbm, "kbm", "bin/kbm", "the program to measure")
	flag.StringVar(&o.only, "only", "cluster,media,hosts,traffic,push", "the benchmarks to run")
	flag.IntVar(&o.runs, "runs", 3, "how often to measure; the medians are shown")
	flag.BoolVar(&o.check, "check", false, "exit 1 when a goal is missed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o, parts, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, parts []part, out, log io.Writer) error {
	kbm, err := filepath.Abs(o.kbm)
	if err != nil {
		return err
	}
	only := strings.Split(o.only, ",")
	var rows []report.Row
	for _, p := range parts {
		if !slices.Contains(only, p.name) {
			continue
		}
		found, err := p.measure(ctx, kbm, o.runs, log)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, found...)
	}
	machine, err := describe(time.Now())
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "\n%s\n", machine); err != nil {
		return err
	}
	if err := report.Write(out, rows); err != nil {
		return err
	}
	if missed := report.Missed(rows); o.check && len(missed) > 0 {
		return fmt.Errorf("goals were missed: %s", strings.Join(missed, "; "))
	}
	return nil
}
