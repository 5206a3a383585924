// Package e2e proves kbm on real clusters of lab machines: its tests, behind the
// build tag lab, run the kbm binary and look at what came out of it.
package e2e
