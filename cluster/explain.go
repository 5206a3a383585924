package cluster

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Setting is one key of a section, as kbm addons explain shows it.
type Setting struct {
	Key string `json:"key"`
	// Type is in the words of someone who writes YAML.
	Type     string `json:"type"`
	Required bool   `json:"required,omitempty"`
	Doc      string `json:"doc"`
	// Values are all that there may be; empty where they cannot be listed.
	Values []string `json:"values,omitempty"`
	// Default is what it is when nobody sets it, and Example one of its values.
	Default any `json:"default,omitempty"`
	Example any `json:"example,omitempty"`
	// Settings are those below it.
	Settings []Setting `json:"settings,omitempty"`
}

// Explain tells everything about the section of an optional addon, which is
// named by its folder; false where there is no such addon. The Key is the whole
// path, such as addons.ingress.
func Explain(addon string) (Setting, bool, error) {
	d, err := readDocs()
	if err != nil {
		return Setting{}, false, err
	}
	t := reflect.TypeFor[Addons]()
	i := slices.Index(OptionalAddons(), addon)
	if i < 0 {
		return Setting{}, false, nil
	}
	s := d.explain(t, t.Field(i), reflect.ValueOf(sampleAddons()).Field(i))
	s.Key = "addons." + s.Key
	return s, true, nil
}

// YAML is an example of the section as it stands in a cluster.yaml.
func (s Setting) YAML() ([]byte, error) {
	data := s.Example
	for _, key := range slices.Backward(strings.Split(s.Key, ".")) {
		data = map[string]any{key: data}
	}
	text, err := marshal(data)
	if err != nil {
		return nil, fmt.Errorf("write the example of %s: %w", s.Key, err)
	}
	return text, nil
}

func (d docs) explain(parent reflect.Type, f reflect.StructField, defaults reflect.Value) Setting {
	s := Setting{
		Key:      jsonName(f),
		Type:     typeWords(f.Type),
		Required: !strings.Contains(f.Tag.Get("json"), ",omitempty"),
		Doc:      strings.ReplaceAll(d.of(parent, f), "\n", " "),
		Values:   valuesOf(parent.Name(), jsonName(f)),
	}
	if eg := f.Tag.Get("eg"); eg != "" {
		s.Example = example(eg)
	}
	below, sample := inside(f.Type, defaults)
	if below.Kind() != reflect.Struct || below == reflect.TypeFor[Secret]() {
		s.Default = defaultOf(defaults)
		return s
	}
	for i := range below.NumField() {
		if jsonName(below.Field(i)) != "" {
			s.Settings = append(s.Settings, d.explain(below, below.Field(i), sample.Field(i)))
		}
	}
	return s
}

// defaultOf is nil where a setting has none.
func defaultOf(v reflect.Value) any {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if blank(v) || v.Kind() == reflect.Struct {
		return nil
	}
	return v.Interface()
}

func typeWords(t reflect.Type) string {
	t = pointee(t)
	switch {
	case t == reflect.TypeFor[Secret]():
		return "secret, {env: NAME} or {file: NAME.age}"
	case t.Kind() == reflect.Slice && isSection(t.Elem()):
		return "list of sections"
	case t.Kind() == reflect.Slice:
		return "list of " + typeWords(t.Elem())
	case t.Kind() == reflect.Map:
		return "mapping of " + typeWords(t.Elem())
	case t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Struct:
		return "section"
	}
	return kindName(t)
}

func pointee(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// example is an example as the data that its YAML stands for.
func example(text string) any {
	var data any
	if err := yaml.Unmarshal([]byte(text), &data); err != nil {
		return text
	}
	return data
}
