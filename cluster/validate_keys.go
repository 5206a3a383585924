package cluster

import (
	"fmt"
	"net"
	"regexp"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// userName is what useradd takes on every system of the table.
var userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

func checkSSH(k checker, s *SSH) {
	k.port("ssh.port", s.Port)
	k.user("ssh.user", s.User)
	k.jump("ssh.jump", s.Jump)
	for i, key := range s.AuthorizedKeys {
		if wrong := authorizedKeyFault(key); wrong != "" {
			k.add(fmt.Sprintf("ssh.authorizedKeys[%d]", i), key, wrong, "write one line of a .pub file, such as ssh-ed25519 AAAA… name")
		}
	}
	for i, file := range s.IdentityFiles {
		if strings.TrimSpace(file) == "" {
			k.missing(fmt.Sprintf("ssh.identityFiles[%d]", i), "write the path of a private key, such as ~/.ssh/id_ed25519")
		}
	}
}

func (k checker) user(path, user string) {
	if user != "" && !userName.MatchString(user) {
		k.add(path, user, "is not a user name", "write one such as core")
	}
}

// jump checks [USER@]HOST[:PORT].
func (k checker) jump(path, jump string) {
	if jump == "" {
		return
	}
	const right = "write [USER@]HOST[:PORT], such as admin@gate.example.com"
	user, rest, hasUser := strings.Cut(jump, "@")
	if !hasUser {
		rest = jump
	}
	host := rest
	if h, port, err := net.SplitHostPort(rest); err == nil {
		host = h
		if !isPort(port) {
			k.add(path, jump, "has no valid port", right)
			return
		}
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	wrong, _ := hostFault(host)
	switch {
	case hasUser && !userName.MatchString(user):
		k.add(path, jump, "has no valid user name", right)
	case strings.HasPrefix(host, "127.") || host == "localhost":
		// A forwarded port on the workstation is a good way to a jump host.
	case wrong != "":
		k.add(path, jump, wrong, right)
	}
}

// authorizedKeyFault tells why a line could not stand in authorized_keys.
func authorizedKeyFault(line string) string {
	if strings.Contains(line, "PRIVATE KEY") {
		return "is a private key"
	}
	key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	switch {
	case err != nil:
		return "is not an SSH public key"
	case len(rest) > 0 || strings.ContainsAny(strings.TrimSpace(line), "\r\n"):
		return "is more than one line"
	}
	if _, isCert := key.(*ssh.Certificate); isCert {
		return "is a certificate, which authorized_keys does not take"
	}
	return ""
}

func checkRecipient(k checker, path, text string) {
	const right = "write an age1… or ssh-… public key"
	if strings.Contains(text, "SECRET-KEY") || strings.Contains(text, "PRIVATE KEY") {
		k.add(path, "", "is a private key", right)
		return
	}
	var err error
	if strings.HasPrefix(text, "ssh-") {
		_, err = agessh.ParseRecipient(text)
	} else {
		var all []age.Recipient
		all, err = age.ParseRecipients(strings.NewReader(text))
		if err == nil && len(all) != 1 {
			k.add(path, text, "is more than one recipient", "write each as an entry of its own")
			return
		}
	}
	if err != nil {
		k.add(path, text, "is not a recipient", right)
	}
}
