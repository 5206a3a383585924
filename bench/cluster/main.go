// Command cluster measures the main job: from bare machines to Ready nodes, by
// kbm and by kubeadm, on the same kind of machines, with the same binaries and
// images in place, one after the other in one run. The ratio is what counts.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"text/tabwriter"
	"time"
)

// The goals of the ratios kbm / kubeadm, and of the run that has nothing to do.
const (
	goalOne   = 0.8
	goalThree = 0.6
	goalNoop  = 2 * time.Second
)

type options struct {
	kbm     string
	kubeadm string
	runs    int
	sizes   []int
	check   bool
}

func main() {
	o := options{sizes: []int{1, 3}}
	flag.StringVar(&o.kbm, "kbm", "bin/kbm", "the program to measure")
	flag.StringVar(&o.kubeadm, "kubeadm", "", "the kubeadm program; the bundle's unless set")
	flag.IntVar(&o.runs, "runs", 3, "how often to measure; the medians are compared")
	flag.Func("machines", "measure clusters of this size only: 1 or 3", func(text string) error {
		size, err := strconv.Atoi(text)
		o.sizes = []int{size}
		return err
	})
	flag.BoolVar(&o.check, "check", false, "exit 1 when a goal is missed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// result is one run of both programs on a cluster of some size.
type result struct{ first, all, noop time.Duration }

func run(ctx context.Context, o options) error {
	missed := false
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	line := func(what string, ours, theirs time.Duration, goal float64) {
		ratio := ours.Seconds() / theirs.Seconds()
		missed = missed || ratio > goal
		_, _ = fmt.Fprintf(w, "%s\tkbm %.2fs\tkubeadm %.2fs\tratio %.2f\tgoal ≤ %.1f\n", what, ours.Seconds(), theirs.Seconds(), ratio, goal)
	}
	for _, size := range o.sizes {
		var ours, theirs []result
		for i := range o.runs {
			k, err := measureKbm(ctx, o, size)
			if err != nil {
				return fmt.Errorf("kbm, %d machines, run %d: %w", size, i+1, err)
			}
			a, err := measureKubeadm(ctx, o, size)
			if err != nil {
				return fmt.Errorf("kubeadm, %d machines, run %d: %w", size, i+1, err)
			}
			fmt.Fprintf(os.Stderr, "%d machines, run %d: kbm %.2fs, kubeadm %.2fs\n", size, i+1, k.all.Seconds(), a.all.Seconds())
			ours, theirs = append(ours, k), append(theirs, a)
		}
		all := func(r result) time.Duration { return r.all }
		if size == 1 {
			first := func(r result) time.Duration { return r.first }
			line("first controller Ready", median(ours, first), median(theirs, first), goalOne)
			continue
		}
		line("three nodes Ready", median(ours, all), median(theirs, all), goalThree)
		noop := median(ours, func(r result) time.Duration { return r.noop })
		missed = missed || noop > goalNoop
		_, _ = fmt.Fprintf(w, "kbm up with nothing to do\tkbm %.2fs\t\t\tgoal ≤ %s\n", noop.Seconds(), goalNoop)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if missed && o.check {
		return fmt.Errorf("a goal was missed")
	}
	return nil
}
