// Package udp holds no backend. Upstream's carries packets in user space, for
// kernels of before 2013, and only on amd64; kbm's networks are VXLAN's.
package udp
