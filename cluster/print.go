package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Print writes a cluster.yaml for people: what is set, and beside it, as
// comments, every other setting with its default or an example. Parse reads
// the same cluster back. The nodes have files of their own.
func Print(c *Cluster) ([]byte, error) {
	const head = "# A cluster of kbm. Edit it: kbm render and kbm up follow. kbm validate checks it,\n" +
		"# and kbm schema cluster gives editors its JSON Schema.\n\n"
	return printSpec(head, *c, *c.WithDefaults())
}

// PrintNode writes a nodes/<name>.yaml as Print writes a cluster.yaml.
func PrintNode(n *Node) ([]byte, error) {
	return printSpec("# A machine of the cluster. Edit it: kbm render and kbm up follow.\n\n", *n, Node{})
}

func printSpec(head string, spec, defaults any) ([]byte, error) {
	d, err := readDocs()
	if err != nil {
		return nil, err
	}
	p := printer{docs: d}
	p.out.WriteString(head)
	if err := p.section(reflect.ValueOf(spec), reflect.ValueOf(defaults), ""); err != nil {
		return nil, err
	}
	return p.out.Bytes(), nil
}

type printer struct {
	docs docs
	out  bytes.Buffer
}

func (p *printer) section(v, defaults reflect.Value, indent string) error {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		key := jsonName(f)
		if key == "" {
			continue
		}
		doc := p.docs.of(t, f)
		if indent == "" && doc != "" {
			p.out.WriteString("\n")
		}
		p.comment(indent, doc)
		if isSection(f.Type) {
			p.out.WriteString(indent + key + ":\n")
			if err := p.section(v.Field(i), defaults.Field(i), indent+"  "); err != nil {
				return err
			}
			continue
		}
		if err := p.setting(f, v.Field(i), defaults.Field(i), indent); err != nil {
			return err
		}
	}
	return nil
}

// setting writes one key: as it is set, or commented out with its default, its
// example, or its empty value.
func (p *printer) setting(f reflect.StructField, v, defaults reflect.Value, indent string) error {
	key, example := jsonName(f), f.Tag.Get("eg")
	optional := strings.Contains(f.Tag.Get("json"), ",omitempty")
	switch {
	case !blank(v) || !optional:
		return p.value(indent, key, v)
	case !blank(defaults):
		return p.value(indent+"# ", key, defaults)
	case example != "":
		fmt.Fprintf(&p.out, "%s# %s: %s\n", indent, key, example)
		return nil
	default:
		return p.value(indent+"# ", key, v)
	}
}

// blank values are those that a file need not hold.
func blank(v reflect.Value) bool {
	isList := v.Kind() == reflect.Slice || v.Kind() == reflect.Map
	return v.IsZero() || isList && v.Len() == 0
}

func (p *printer) value(indent, key string, v reflect.Value) error {
	text, err := marshal(map[string]any{key: v.Interface()})
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	for line := range bytes.Lines(text) {
		// An empty line inside a block of text stays empty.
		if len(line) > 1 {
			p.out.WriteString(indent)
		}
		p.out.Write(line)
	}
	return nil
}

// marshal goes by the JSON tags, like sigs.k8s.io/yaml, which folds long lines:
// an SSH key shall stay in one.
func marshal(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := yaml.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	err = errors.Join(e.Encode(plain), e.Close())
	return out.Bytes(), err
}

func (p *printer) comment(indent, text string) {
	for line := range strings.Lines(text) {
		p.out.WriteString(strings.TrimRight(indent+"# "+strings.TrimRight(line, "\n"), " ") + "\n")
	}
}
