package cluster

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// LocatedSecret is a Secret and its YAML path, such as
// addons.dns.cloudflare.apiToken.
type LocatedSecret struct {
	Path string
	Secret
}

// LocatedFile is a file of the cluster's folder, relative to it, and the YAML
// path of the setting that names it.
type LocatedFile struct {
	Path, Name string
	// Folder tells that it may be a folder too.
	Folder bool
}

// Secrets lists every Secret of the addons, in the order of the types.
func (a Addons) Secrets() []LocatedSecret {
	found := []LocatedSecret{}
	walk(reflect.ValueOf(a), "addons", "", func(path, _ string, v reflect.Value) {
		if s, ok := v.Interface().(Secret); ok {
			found = append(found, LocatedSecret{path, s})
		}
	})
	return found
}

// LocalFiles lists every file of the cluster's folder that the addons name,
// but for those of Secrets. They are the fields with the tag local.
func (a Addons) LocalFiles() []LocatedFile {
	found := []LocatedFile{}
	walk(reflect.ValueOf(a), "addons", "", func(path, local string, v reflect.Value) {
		if local != "" && v.Kind() == reflect.String && v.String() != "" {
			found = append(found, LocatedFile{Path: path, Name: v.String(), Folder: local == "path"})
		}
	})
	return found
}

// walk visits every value that is set, with its YAML path and the tag local of
// its field.
func walk(v reflect.Value, path, local string, visit func(path, local string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), path, local, visit)
		}
		return
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if key := jsonName(f); key != "" {
				walk(v.Field(i), path+"."+key, f.Tag.Get("local"), visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), local, visit)
		}
	case reflect.Map: // of strings, as JSON has it
		values := v.Interface()
		if m, ok := values.(map[string]Secret); ok {
			for _, key := range slices.Sorted(maps.Keys(m)) {
				walk(reflect.ValueOf(m[key]), path+"["+key+"]", local, visit)
			}
		}
	}
	visit(path, local, v)
}
