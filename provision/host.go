// Package provision takes machines to the state that the spec asks for:
// gather facts, plan, apply, bootstrap, wait. It reaches machines through Host
// and Kubernetes through the addon engine, and knows neither SSH nor flags.
package provision

import (
	"context"
	"io"
	"net"
)

// Host is one machine as provision needs it.
type Host interface {
	// Run executes a shell script as root. The script is visible in the
	// machine's process list: secrets go through stdin.
	Run(ctx context.Context, cmd Command) (Result, error)
	// Dial opens a connection from the machine, for example to its own API server.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// Command is a script for /bin/sh.
type Command struct {
	Script string
	Stdin  io.Reader
	// Stdout receives the output as it comes; nil keeps it in the Result.
	Stdout io.Writer
}

// Result is what a command printed. A command that ended with another code
// than 0 is an error, which carries the code and the end of stderr.
type Result struct {
	Stdout []byte
	Stderr []byte
}
