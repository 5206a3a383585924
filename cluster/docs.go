package cluster

import (
	"embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

// typesSource holds the docstrings of the spec: the one text that is shown in
// the code, in the files that kbm writes and in the JSON Schema.
//
//go:embed types.go addons.go
var typesSource embed.FS

// docs are the docstrings of the spec by "Type" and "Type.Field", each with the
// first word turned from Go's spelling of the field to the file's.
type docs map[string]string

func readDocs() (docs, error) {
	files, err := typesSource.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("read the docstrings of the spec: %w", err)
	}
	d := docs{}
	for _, file := range files {
		if err := d.read(file.Name()); err != nil {
			return nil, fmt.Errorf("read the docstrings of the spec: %w", err)
		}
	}
	return d, nil
}

func (d docs) read(file string) error {
	text, err := typesSource.ReadFile(file)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, decl := range f.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			t, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			d[t.Name.Name] = gen.Doc.Text()
			if s, ok := t.Type.(*ast.StructType); ok {
				d.addFields(t.Name.Name, s)
			}
		}
	}
	return nil
}

func (d docs) addFields(typeName string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		for _, name := range f.Names {
			d[typeName+"."+name.Name] = f.Doc.Text()
		}
	}
}

// of is the doc of a field: its own, or that of its type.
func (d docs) of(parent reflect.Type, f reflect.StructField) string {
	text := d[parent.Name()+"."+f.Name]
	if text == "" && isSection(f.Type) {
		text = d[f.Type.Name()]
		return inFileWords(text, f.Type.Name(), jsonName(f))
	}
	return inFileWords(text, f.Name, jsonName(f))
}

func inFileWords(text, inGo, inFile string) string {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, inGo+" "); ok {
		return inFile + " " + rest
	}
	return text
}

// isSection tells whether a field is a mapping with keys of its own.
func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct }
