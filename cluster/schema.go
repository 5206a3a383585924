package cluster

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
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
	complete := (&Cluster{}).WithDefaults()
	complete.Addons = sampleAddons()
	var spec, defaults any = Cluster{}, *complete
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
		if eg := f.Tag.Get("eg"); eg != "" {
			p.Examples = []any{example(eg)}
		}
		if isSection(f.Type) && f.Type != reflect.TypeFor[Secret]() {
			annotate(defs, defaults.Field(i))
			// A section whose settings are all commented out is null.
			def.Properties.Set(key, &jsonschema.Schema{
				Description: p.Description,
				AnyOf:       []*jsonschema.Schema{{Ref: p.Ref}, {Type: "null"}},
			})
			continue
		}
		below, sample := inside(f.Type, defaults.Field(i))
		if isSection(below) {
			annotate(defs, sample)
		} else if d := defaultOf(defaults.Field(i)); d != nil {
			p.Default = d
		}
	}
}

// limits are the values that a setting can have, from the tables that
// validation reads, by the setting's type and key. Of a list, they are its items'.
func limits() map[string][]string {
	return map[string][]string{
		"Cluster.os":           OSNames(),
		"Cluster.media":        MediaTargets(),
		"PKI.algorithm":        Algorithms(),
		"Security.podSecurity": PodProfiles(),
		"Node.os":              OSNames(),
		"Node.media":           MediaTargets(),
		"Bond.mode":            BondModes(),
		"Node.role":            Roles(),
		"Taint.effect":         Effects(),
		"IngressClass.expose":  Exposures(),
		"IngressClass.roles":   Roles(),
		"Pool.protocol":        Protocols(),
		"DNS.provider":         Providers(),
		"DNS.policy":           Policies(),
		"Route53.zoneType":     ZoneTypes(),
		"RFC2136.algorithm":    TSIGAlgorithms(),
		"Auth.provider":        SignInProviders(),
	}
}

func valuesOf(typ, key string) []string { return limits()[typ+"."+key] }

// limit adds the limits to a schema.
func limit(defs jsonschema.Definitions) {
	for place, values := range limits() {
		typ, key, _ := strings.Cut(place, ".")
		def, ok := defs[typ]
		if !ok {
			continue
		}
		p := value(def.Properties, key)
		if p.Items != nil {
			p = p.Items
		}
		for _, v := range values {
			p.Enum = append(p.Enum, v)
		}
	}
}
