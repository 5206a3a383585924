package sshtest

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// Listen is net.Listen for an address that this process has just given up. A
// program that is started in the same moment holds the address, too, until it
// runs, so the first try may find it in use.
func Listen(address string) (l net.Listener, err error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if l, err = net.Listen("tcp", address); !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		<-tick.C
	}
	return l, err
}
