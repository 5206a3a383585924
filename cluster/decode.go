package cluster

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Parse reads a cluster.yaml strictly. The file's name is for faults only.
// What could be read is returned beside the faults; nil when it was not YAML.
func Parse(file string, text []byte) (*Cluster, Faults) {
	var c Cluster
	faults := decodeOne(file, text, &c)
	if broken(faults) {
		return nil, faults
	}
	return &c, append(faults, checkKind(file, c.APIVersion, c.Kind, "Cluster")...)
}

// ParseNode reads a nodes/<name>.yaml as Parse reads a cluster.yaml.
func ParseNode(file string, text []byte) (*Node, Faults) {
	var n Node
	faults := decodeOne(file, text, &n)
	if broken(faults) {
		return nil, faults
	}
	return &n, append(faults, checkKind(file, n.APIVersion, n.Kind, "Node")...)
}

// ParseNodes reads a stream of Node documents, divided by lines of "---".
// Faults name the file and the number of the document, from 1.
func ParseNodes(file string, r io.Reader) ([]Node, Faults) {
	docs, err := documents(r)
	if err != nil {
		return nil, Faults{{File: file, Wrong: "cannot be read: " + err.Error(), Right: "give a YAML stream of Node documents"}}
	}
	nodes, faults := []Node{}, Faults{}
	for i, doc := range docs {
		source := fmt.Sprintf("%s: document %d", file, i+1)
		n, more := ParseNode(source, doc)
		faults = append(faults, more...)
		if n != nil {
			n.Source = source
			nodes = append(nodes, *n)
		}
	}
	return nodes, faults
}

func decodeOne(file string, text []byte, into any) Faults {
	docs, err := documents(bytes.NewReader(text))
	switch {
	case err != nil:
		return Faults{{File: file, Path: wholeFile, Wrong: "cannot be read: " + err.Error(), Right: "write YAML"}}
	case len(docs) == 0:
		return Faults{{File: file, Path: wholeFile, Wrong: "is empty", Right: "write one YAML document"}}
	case len(docs) > 1:
		return Faults{{
			File: file, Path: wholeFile, Value: "---", Wrong: fmt.Sprintf("divides it into %d documents", len(docs)),
			Right: "write one document a file",
		}}
	}
	return decode(file, docs[0], into)
}

// documents divides a stream and leaves out what holds only comments: a YAML
// parser alone reads the first document and drops the others unseen.
func documents(r io.Reader) ([][]byte, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // Windows' editors put one in front
	in := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	docs := [][]byte{}
	for {
		doc, err := in.Read()
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		if !onlyComments(doc) {
			docs = append(docs, doc)
		}
	}
}

func onlyComments(doc []byte) bool {
	for line := range bytes.Lines(doc) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

const wholeFile = ""

// broken tells whether a file gave nothing to go on with.
func broken(faults Faults) bool {
	for _, f := range faults {
		if f.Path == wholeFile || strings.HasPrefix(f.Path, "line ") && f.Right == rightSyntax {
			return true
		}
	}
	return false
}

const rightSyntax = "write valid YAML"

// yamlLine finds the place in an error of the YAML library.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(line \d+): (.*)$`)

// decode reads one YAML document into a type and names every unknown key,
// duplicate key and value of the wrong type.
func decode(file string, doc []byte, into any) Faults {
	k := checker{file: file, faults: &Faults{}}
	tree, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		addSyntax(k, err, "write each key once")
		if tree, err = yaml.YAMLToJSON(doc); err != nil {
			*k.faults = nil
			addSyntax(k, err, rightSyntax)
			return *k.faults
		}
	}
	for {
		strict, err := strictjson.UnmarshalStrict(tree, into, strictjson.DisallowUnknownFields)
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			verb := "is "
			var old any
			if tree, old, err = without(tree, wrong.Field); err == nil {
				if isInside(wrong.Value, old) {
					verb = "has in it "
				}
				k.add(wrong.Field, "", verb+article(wrong.Value), "write "+article(kindName(wrong.Type)))
				continue
			}
		}
		if err != nil {
			k.add(wholeFile, "", "is not a mapping of keys to values", "start with apiVersion: "+APIVersion)
			return *k.faults
		}
		for _, e := range strict {
			addUnknown(k, e, into)
		}
		return *k.faults
	}
}

func addSyntax(k checker, err error, right string) {
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if m := yamlLine.FindStringSubmatch(line); m != nil {
			k.add(m[1], "", m[2], right)
		} else if !strings.HasSuffix(line, "errors:") {
			k.add("line 1", "", strings.TrimPrefix(line, "yaml: "), right)
		}
	}
}

func checkKind(file, apiVersion, kind, want string) Faults {
	k := checker{file: file, faults: &Faults{}}
	k.oneOf("apiVersion", apiVersion, []string{APIVersion})
	k.oneOf("kind", kind, []string{want})
	return *k.faults
}
