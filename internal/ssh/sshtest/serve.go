package sshtest

import (
	"io"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Login decides who may log in, as ssh.ServerConfig asks it.
type Login func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error)

// Server is what all simulated nodes have in common.
type Server struct {
	Handler Handler
	Login   Login
	// Dial opens a connection that a client wants forwarded from a node to an
	// address, host:port. Unset: nothing is forwarded.
	Dial func(node, address string) (net.Conn, error)
}

// Serve is the sshd of one node. It returns when the listener is closed; open
// connections are closed by their clients.
func (s *Server) Serve(node string, l net.Listener, hostKey ssh.Signer) {
	config := &ssh.ServerConfig{PublicKeyCallback: s.Login}
	config.AddHostKey(hostKey)
	for {
		transport, err := l.Accept()
		if err != nil {
			return
		}
		go s.connection(node, transport, config)
	}
}

func (s *Server) connection(node string, transport net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = transport.Close() }()
	_, channels, requests, err := ssh.NewServerConn(transport, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		switch {
		case c.ChannelType() == "session":
			if channel, requests, err := c.Accept(); err == nil {
				go s.session(node, channel, requests)
			}
		case c.ChannelType() == "direct-tcpip" && s.Dial != nil:
			go s.forward(node, c)
		default:
			_ = c.Reject(ssh.UnknownChannelType, "not on this machine")
		}
	}
}

func (s *Server) session(node string, channel ssh.Channel, requests <-chan *ssh.Request) {
	for r := range requests {
		var exec struct{ Line string }
		ok := r.Type == "exec" && ssh.Unmarshal(r.Payload, &exec) == nil
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
		if !ok {
			continue
		}
		go func() {
			status := struct{ Code uint32 }{uint32(s.Handler(node, exec.Line, channel, channel))}
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
			_ = channel.Close()
		}()
	}
}

// forward passes bytes both ways until both ends have closed theirs.
func (s *Server) forward(node string, c ssh.NewChannel) {
	var to struct { // RFC 4254, section 7.2
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(c.ExtraData(), &to); err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	target, err := s.Dial(node, hostPort(to.Host, to.Port))
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, "Connection refused")
		return
	}
	channel, requests, err := c.Accept()
	if err != nil {
		_ = target.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(channel, target)
		_ = channel.CloseWrite()
	})
	both.Go(func() {
		_, _ = io.Copy(target, channel)
		_ = target.Close()
	})
	both.Wait()
	_ = channel.Close()
}
