package addons

import (
	"encoding/base64"
	"text/template"

	"github.com/kbm-dev/kbm/cluster"
)

// functions are what manifests may use beside sprig's: the ways to values that
// the spec only names. Those of secrets give base64, as the data of a Secret is.
func (v values) functions() template.FuncMap {
	return template.FuncMap{
		"secret": func(s cluster.Secret) (string, error) { return inBase64(v.sources.Secret(s)) },
		"kept":   func(name string) (string, error) { return inBase64(v.sources.Kept(name)) },
		"file": func(name string) (string, error) {
			text, err := v.sources.File(name)
			return string(text), asValueError(err)
		},
		"keyPair":  v.keyPair,
		"htpasswd": func(name string) (string, error) { return inBase64(v.htpasswd(name)) },
	}
}

func inBase64(value []byte, err error) (string, error) {
	return base64.StdEncoding.EncodeToString(value), asValueError(err)
}

// valueError is a fault of what the user gave. It is shown without the place in
// the template where it came to light.
type valueError struct{ error }

func (e *valueError) Unwrap() error { return e.error }

func asValueError(err error) error {
	if err == nil {
		return nil
	}
	return &valueError{err}
}
