// Package provision takes machines to the state that the spec asks for:
// gather facts, plan, apply, bootstrap, wait. It reaches machines through Host
// and Kubernetes through the addon engine, and knows neither SSH nor flags.
package provision

import (
	"context"
	"net"

	"github.com/kbm-dev/kbm/internal/remote"
)

// Host is one machine as provision needs it.
type Host interface {
	// Run executes a shell script as root. The script is visible in the
	// machine's process list: secrets go through stdin. A script that ends with
	// another code than 0 is a *RunError.
	Run(ctx context.Context, cmd Command) (Result, error)
	// Dial opens a connection from the machine, for example to its own API server.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// The words that Host is made of.
type (
	// Command is a script for a machine.
	Command = remote.Command
	// Result is what a script printed.
	Result = remote.Result
	// RunError is a script that ended with another code than 0.
	RunError = remote.RunError
)
