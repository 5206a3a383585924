// Package ext stands for a module of traefik's source tree that was never
// published. It holds what traefik leaves to other editions of itself: nothing.
package ext

// HTTP would hold further settings of a dynamic configuration.
type HTTP struct{}

// Router would hold further settings of a router.
type Router struct{}
