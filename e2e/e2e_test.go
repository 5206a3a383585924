//go:build lab

package e2e

import "testing"

// The clusters, each made for one test. Some run side by side, in no certain
// order.

func TestTraffic(t *testing.T)         { t.Parallel(); testTraffic(t) }
func TestCluster(t *testing.T)         { t.Parallel(); testCluster(t) }
func TestKill(t *testing.T)            { t.Parallel(); testKill(t) }
func TestTasks(t *testing.T)           { t.Parallel(); testTasks(t) }
func TestHA(t *testing.T)              { t.Parallel(); testHA(t) }
func TestGrowControllers(t *testing.T) { t.Parallel(); testGrowControllers(t) }
func TestFaults(t *testing.T)          { t.Parallel(); testFaults(t) }
func TestMixed(t *testing.T)           { t.Parallel(); testMixed(t) }
func TestTrafficAlone(t *testing.T)    { t.Parallel(); testTrafficAlone(t) }
func TestOnline(t *testing.T)          { t.Parallel(); testOnline(t) }
