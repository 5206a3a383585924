package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/ssh"
	"github.com/kbm-dev/kbm/internal/ssh/sshtest"
)

// wideMachine is about as big as a controller's Machine.
func wideMachine(name string) ignition.Machine {
	m := ignition.Machine{Name: name, Hostname: name}
	for i := range 90 {
		m.Files = append(m.Files, ignition.File{
			Path: fmt.Sprintf("/etc/kubernetes/file-%d", i), Mode: 0o644, Content: bytes.Repeat([]byte{'x'}, 2000),
			Restarts: []string{"kubelet.service"},
		})
	}
	m.Units = []ignition.Unit{{Name: "kubelet.service", Content: "[Service]\n", Enabled: true, Started: true}}
	return m
}

// inOrder is what gather.sh says on a machine that is just as m wants it.
func inOrder(m ignition.Machine) ([]byte, error) {
	list, err := items(m)
	if err != nil {
		return nil, err
	}
	inv := Inventory{Paths: map[string][]string{}}
	var stats, sums strings.Builder
	for _, it := range list {
		inv.Paths[it.path] = it.restarts
		fmt.Fprintf(&stats, "%x root root %d 1.0 1.0 7 %s\n", 0o100000|unixMode(it.mode), len(it.content), it.path)
		fmt.Fprintf(&sums, "%s  %s\n", it.sum(), it.path)
	}
	text, err := json.Marshal(inv)
	var b bytes.Buffer
	fmt.Fprintf(&b, "= clock\n%d.0\n= os\nID=debian\n= host\n%s 6.1.0 x86_64\n2\nsystemd=yes\ncgroup=2\n", time.Now().Unix(), m.Hostname)
	fmt.Fprintf(&b, "= addresses\n= disks\n= inventory\n%s\n= files\n%s= hashes\n%s= links\n= units\n", text, stats.String(), sums.String())
	fmt.Fprint(&b, "Names=kubelet.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nNeedDaemonReload=no\n\n= end\n")
	return b.Bytes(), err
}

// startFleet simulates machines that are in order, and returns their Machines.
func startFleet(tb testing.TB, size int) (*sshtest.Fleet, []ignition.Machine) {
	tb.Helper()
	var names []string
	var machines []ignition.Machine
	answers := map[string][]byte{}
	for i := range size {
		m := wideMachine(fmt.Sprintf("n%03d", i))
		answer, err := inOrder(m)
		if err != nil {
			tb.Fatal(err)
		}
		names, machines, answers[m.Name] = append(names, m.Name), append(machines, m), answer
	}
	fleet, err := sshtest.Start(names, func(node, line string, stdin io.Reader, stdout io.Writer) int {
		if strings.Contains(line, "flock") && !strings.Contains(line, "= clock") {
			_, _ = io.WriteString(stdout, "held\n")
			_, _ = io.Copy(io.Discard, stdin)
			return 0
		}
		_, _ = io.Copy(io.Discard, stdin)
		_, _ = stdout.Write(answers[node])
		return 0
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := fleet.Close(); err != nil {
			tb.Error(err)
		}
	})
	return fleet, machines
}

// noOp connects, locks, gathers and compares, as an `up` does that finds
// nothing to do.
func noOp(ctx context.Context, fleet *sshtest.Fleet, machines []ignition.Machine) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for _, m := range machines {
		group.Go(func() error {
			client, err := ssh.Connect(ctx, fleet.Options(m.Name))
			if err != nil {
				return err
			}
			defer func() { _ = client.Close() }()
			release, err := Acquire(ctx, m.Name, client, "test")
			if err != nil {
				return err
			}
			facts, err := Gather(ctx, client, m, time.Now)
			if err != nil {
				return err
			}
			plan, err := Compare(m, facts)
			if err == nil && !plan.Empty() {
				err = fmt.Errorf("%s: %d changes", m.Name, len(plan.Changes))
			}
			if err != nil {
				return err
			}
			return release()
		})
	}
	return group.Wait()
}

func TestNoOpOverManyMachines(t *testing.T) {
	fleet, machines := startFleet(t, 40)
	if err := noOp(t.Context(), fleet, machines); err != nil {
		t.Error(err)
	}
}

// BenchmarkNoOp shows that the time grows with the machines and not faster. The
// simulated machines' own work is in it.
func BenchmarkNoOp(b *testing.B) {
	for _, size := range []int{125, 250, 500} {
		b.Run(fmt.Sprintf("%d machines", size), func(b *testing.B) {
			fleet, machines := startFleet(b, size)
			for b.Loop() {
				if err := noOp(b.Context(), fleet, machines); err != nil {
					b.Fatal(err)
				}
			}
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*size), "ms/machine")
			b.ReportMetric(float64(stats.HeapSys>>20), "heap-MiB")
		})
	}
}
