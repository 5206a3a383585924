package ssh

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/kbm-dev/kbm/internal/remote"
)

// sudo is how a script becomes root's.
type sudo struct {
	mode     sudoMode
	password string
}

type sudoMode int

const (
	asRoot       sudoMode = iota // the login is root
	withoutAsk                   // sudo -n
	withPassword                 // sudo -S
)

// path is added for what a login shell would know: an sshd's own PATH has no
// sbin for people, and Flatcar keeps added programs in /opt/bin.
const path = "PATH=\"$PATH:/usr/local/sbin:/usr/sbin:/sbin:/opt/bin\"\nexport PATH\n"

// wrap returns the command line for the login shell, and what must go before
// the script's own input.
func (s sudo) wrap(script string) (line, prefix string) {
	shell := "sh -c " + remote.Quote(path+script)
	switch s.mode {
	case withoutAsk:
		return "exec sudo -n " + shell, ""
	case withPassword:
		// -k: without it a sudo that still remembers the password would leave
		// it to the script as input. The mark makes sure of the same: whatever
		// comes before it is thrown away.
		mark := rand.Text()
		skip := "while IFS= read -r line; do [ \"$line\" = " + mark + " ] && break; done; unset line\n"
		return "exec sudo -k -S -p '' sh -c " + remote.Quote(skip+path+script), s.password + "\n" + mark + "\n"
	}
	return "exec " + shell, ""
}

// becomeRoot finds out how, once a connection.
func (c *Client) becomeRoot(ctx context.Context) error {
	if c.opts.User == "root" || c.opts.JumpOnly {
		return nil
	}
	const probe = `if [ "$(id -u)" = 0 ]; then echo root
elif ! command -v sudo >/dev/null; then echo none
elif sudo -n true 2>/dev/null; then echo free
else echo password; fi`
	res, err := c.exec(ctx, "exec sh -c "+remote.Quote(probe), "", remote.Command{Script: probe})
	if err != nil {
		return err
	}
	switch strings.TrimSpace(string(res.Stdout)) {
	case "root":
		return nil
	case "free":
		c.sudo.mode = withoutAsk
		return nil
	case "none":
		return c.opts.fail(SudoRefused, errors.New("there is no sudo"))
	}
	return c.askPassword(ctx)
}

// maxPasswords is how often a person may mistype.
const maxPasswords = 3

func (c *Client) askPassword(ctx context.Context) error {
	if c.opts.Password == nil {
		return c.opts.fail(SudoRefused, errors.New("it wants a password, and there is no one to ask"))
	}
	for attempt := 1; attempt <= maxPasswords; attempt++ {
		password, err := c.opts.Password(ctx, c.opts.Name, attempt)
		if err != nil {
			return err
		}
		// With nothing after the password, sudo cannot take it for more guesses.
		_, err = c.exec(ctx, "exec sudo -k -S -p '' true", password+"\n", remote.Command{Script: "sudo true"})
		var refused *remote.RunError
		if !errors.As(err, &refused) {
			c.sudo = sudo{mode: withPassword, password: password}
			return err
		}
	}
	return c.opts.fail(SudoRefused, errors.New("the password is wrong"))
}
