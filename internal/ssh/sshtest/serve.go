package sshtest

import (
	"net"

	"golang.org/x/crypto/ssh"
)

// serve accepts connections until the listener is closed.
func (f *Fleet) serve(name string, l net.Listener, config *ssh.ServerConfig) {
	for {
		transport, err := l.Accept()
		if err != nil {
			return
		}
		go f.connection(name, transport, config)
	}
}

func (f *Fleet) connection(name string, transport net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = transport.Close() }()
	_, channels, requests, err := ssh.NewServerConn(transport, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go f.session(name, channel, requests)
	}
}

func (f *Fleet) session(name string, channel ssh.Channel, requests <-chan *ssh.Request) {
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
			status := struct{ Code uint32 }{uint32(f.handler(name, exec.Line, channel, channel))}
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
			_ = channel.Close()
		}()
	}
}
