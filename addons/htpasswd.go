package addons

import (
	"fmt"
	"regexp"
	"strings"
)

// hashed is what the ingress can compare a password with: bcrypt, MD5 of Apache,
// or SHA-1. All else would be taken for a password in plain text.
var hashed = regexp.MustCompile(`^(\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$apr1\$[^$]{1,8}\$[./A-Za-z0-9]{22}|\{SHA\}[A-Za-z0-9+/]{27}=)$`)

func (v values) htpasswd(name string) ([]byte, error) {
	content, err := v.sources.File(name)
	if err != nil || v.hidden(name) {
		return content, err
	}
	if err := CheckHTPasswd(content); err != nil {
		return nil, fmt.Errorf("file %s, %w: write it with htpasswd -B", name, err)
	}
	if v.reviewed() {
		return origin(name), nil
	}
	return content, nil
}

// CheckHTPasswd refuses what is not a user with a hash of the password on each
// line. Its error names the line, and nothing that stands in it.
func CheckHTPasswd(content []byte) error {
	users, number := 0, 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		user, hash, found := strings.Cut(line, ":")
		switch {
		case !found || user == "":
			return fmt.Errorf("line %d: it is not user:hash, as htpasswd writes", number)
		case !hashed.MatchString(hash):
			return fmt.Errorf("line %d: the password is not hashed in a way that is read (bcrypt, apr1 or SHA)", number)
		}
		users++
	}
	if users == 0 {
		return fmt.Errorf("line %d: there is no user", number)
	}
	return nil
}
