package cluster

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	strictjson "sigs.k8s.io/json"
)

// addUnknown turns the JSON library's report of an unknown key into a fault
// that lists the keys there are.
func addUnknown(k checker, err error, into any) {
	var field strictjson.FieldError
	if !errors.As(err, &field) {
		k.add(wholeFile, "", err.Error(), "")
		return
	}
	path := field.FieldPath()
	parent := ""
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent = path[:i]
	}
	k.add(path, "", "is not a key that kbm knows", "known here: "+strings.Join(keysAt(reflect.TypeOf(into), parent), ", "))
}

// keysAt lists the keys of the struct at a path such as "network" or
// "taints[0]". A key may have a dot in it: then it ends where the types do.
func keysAt(t reflect.Type, path string) []string {
	t = element(t)
	for step := range strings.SplitSeq(path, ".") {
		if t.Kind() == reflect.Map { // the step is a key of the user's
			t = element(t.Elem())
			continue
		}
		name, _, _ := strings.Cut(step, "[")
		f, ok := fieldNamed(t, name)
		if !ok || !holdsSections(element(f.Type)) {
			break
		}
		t = element(f.Type)
	}
	if t.Kind() == reflect.Map {
		t = element(t.Elem())
	}
	names := []string{}
	for _, f := range reflect.VisibleFields(t) {
		if name := jsonName(f); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func holdsSections(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Map && element(t.Elem()).Kind() == reflect.Struct
}

// element is what a pointer or a list holds.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

func fieldNamed(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if name != "" && jsonName(f) == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// jsonName is a field's key, or empty where it is not part of the spec.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// without removes a value from a JSON tree and returns it, so that the decoder,
// which stops at one value of a wrong type, can go on to the next. The path has
// neither positions in lists nor keys of maps: then the whole of it goes.
func without(tree []byte, path string) ([]byte, any, error) {
	var root map[string]any
	if err := json.Unmarshal(tree, &root); err != nil {
		return nil, nil, err
	}
	steps := strings.Split(path, ".")
	at := root
	for i, step := range steps {
		value, there := at[step]
		if !there {
			return nil, nil, errors.New("no such key: " + path)
		}
		below, ok := value.(map[string]any)
		if i == len(steps)-1 || !ok {
			delete(at, step)
			rest, err := json.Marshal(root)
			return rest, value, err
		}
		at = below
	}
	return nil, nil, errors.New("no such key: " + path)
}

// isInside tells whether what is wrong is not the value itself but an element
// of it, by the decoder's name of its kind.
func isInside(kind string, value any) bool {
	switch value.(type) {
	case []any:
		return kind != "array"
	case map[string]any:
		return kind != "object"
	}
	return false
}

// kindName is a type in the words of someone who writes YAML.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "number"
	case reflect.String:
		return "string (in quotes where it looks like a number)"
	case reflect.Slice:
		return "list"
	default:
		return "mapping"
	}
}

func article(thing string) string {
	word, rest, _ := strings.Cut(thing, " ")
	switch word {
	case "true":
		return thing
	case "object":
		return "a mapping"
	case "array":
		return "a list"
	case "bool":
		return "true or false"
	case "number":
		// The JSON decoder may give the digits too: "number 1.5".
		if rest != "" {
			return "the number " + rest
		}
		return "a number"
	default:
		return "a " + thing
	}
}
