//go:build lab

package e2e

import (
	"flag"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// TestLab makes the clusters, each for one test, as many at a time as go test's
// -parallel allows. They begin in this order, the long ones first, so that none
// is left to run alone at the end; t.Parallel keeps no order.
func TestLab(t *testing.T) {
	tests := []struct {
		name string
		run  func(*testing.T)
	}{
		{"cluster", testCluster},
		{"traffic", testTraffic},
		{"kill", testKill},
		{"ha", testHA},
		{"faults", testFaults},
		{"grow", testGrow},
		{"online", testOnline},
		{"embedded", testEmbedded},
	}
	// Each cluster takes itself down when it is interrupted; none is begun after that.
	interrupted, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	harness.EnsureBases(t)
	harness.EnsureStock(t)
	// Before all clusters, because with them beside it an emulated computer takes
	// minutes, and first, because other packages run beside it.
	t.Run("vm", testVirtualMachine)
	queue := make(chan int)
	var lanes sync.WaitGroup
	for range parallel(t) {
		lanes.Go(func() {
			for i := range queue {
				if interrupted.Err() != nil {
					t.Errorf("%s was not run: interrupted", tests[i].name)
					continue
				}
				t.Run(tests[i].name, tests[i].run)
			}
		})
	}
	for i := range tests {
		queue <- i
	}
	close(queue)
	lanes.Wait()
}

// parallel is the value of -parallel.
func parallel(t *testing.T) int {
	t.Helper()
	value, ok := flag.Lookup("test.parallel").Value.(flag.Getter)
	if !ok {
		t.Fatal("-test.parallel has no value to get")
	}
	n, ok := value.Get().(int)
	if !ok || n < 1 {
		t.Fatalf("-test.parallel is %v", value)
	}
	return n
}
