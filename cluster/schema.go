package cluster

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
	"sigs.k8s.io/yaml"
)

// Kinds lists the kinds of document that have a schema.
func Kinds() []string { return []string{"cluster", "node"} }

// Schema is the JSON Schema of a kind, "cluster" or "node", with docstrings,
// defaults and examples, for editors.
func Schema(kind string) ([]byte, error) {
	d, err := readDocs()
	if err != nil {
		return nil, err
	}
	var spec, defaults any = Cluster{}, *(&Cluster{}).WithDefaults()
	title := "Cluster"
	if kind == "node" {
		spec, defaults, title = Node{}, Node{}, "Node"
	}
	r := jsonschema.Reflector{
		Anonymous: true,
		LookupComment: func(t reflect.Type, field string) string {
			if t.Kind() != reflect.Struct {
				return ""
			}
			text := d[t.Name()]
			if f, ok := t.FieldByName(field); ok {
				text = d.of(t, f)
			}
			return strings.ReplaceAll(strings.TrimSpace(text), "\n", " ")
		},
	}
	s := r.Reflect(spec)
	annotate(s.Definitions, reflect.ValueOf(defaults))
	own := s.Definitions[title].Properties
	value(own, "apiVersion").Const = APIVersion
	value(own, "kind").Const = title
	limit(s.Definitions)
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema of %s: %w", kind, err)
	}
	return append(text, '\n'), nil
}

type properties = interface {
	Get(string) (*jsonschema.Schema, bool)
}

// value is a property that the types are known to have.
func value(p properties, name string) *jsonschema.Schema {
	s, ok := p.Get(name)
	if !ok {
		return &jsonschema.Schema{}
	}
	return s
}

// annotate adds the default and the example of every setting, section by section.
func annotate(defs jsonschema.Definitions, defaults reflect.Value) {
	t := defaults.Type()
	def, ok := defs[t.Name()]
	if !ok {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		key := jsonName(f)
		if key == "" {
			continue
		}
		p := value(def.Properties, key)
		if isSection(f.Type) {
			annotate(defs, defaults.Field(i))
			// A section whose settings are all commented out is null.
			def.Properties.Set(key, &jsonschema.Schema{
				Description: p.Description,
				AnyOf:       []*jsonschema.Schema{{Ref: p.Ref}, {Type: "null"}},
			})
			continue
		}
		if !defaults.Field(i).IsZero() && f.Type.Kind() != reflect.Slice {
			p.Default = defaults.Field(i).Interface()
		}
		if eg := f.Tag.Get("eg"); eg != "" {
			p.Examples = []any{example(eg)}
		}
	}
}

// example is an example as the data that its YAML stands for.
func example(text string) any {
	var data any
	if err := yaml.Unmarshal([]byte(text), &data); err != nil {
		return text
	}
	return data
}

// limit adds the values that a setting can have, from the tables that
// validation reads.
func limit(defs jsonschema.Definitions) {
	for _, row := range []struct {
		def, key string
		values   []string
	}{
		{"Cluster", "os", OSNames()},
		{"Cluster", "medium", Media()},
		{"PKI", "algorithm", Algorithms()},
		{"Security", "podSecurity", PodProfiles()},
		{"Node", "os", OSNames()},
		{"Node", "medium", Media()},
		{"Node", "role", []string{string(Controller), string(Worker), string(Edge)}},
		{"Taint", "effect", Effects()},
	} {
		def, ok := defs[row.def]
		if !ok {
			continue
		}
		p := value(def.Properties, row.key)
		for _, v := range row.values {
			p.Enum = append(p.Enum, v)
		}
	}
}
