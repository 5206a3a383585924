package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/cluster"
)

func newAddonsExplainCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain NAME",
		Short: "Tell what the section of an addon in cluster.yaml may hold",
		Long: `Tell what the section of an addon in cluster.yaml may hold: each key, what it
is for, its type, its default and an example.`,
		Example: `  kbm addons explain ingress
  kbm addons explain dns -o json`,
		Args:              exactly(1, "name one addon: "+strings.Join(cluster.OptionalAddons(), ", ")),
		RunE:              func(_ *cobra.Command, args []string) error { return a.explainAddon(args[0]) },
		ValidArgsFunction: completeAddons(true),
	}
}

func (a *app) explainAddon(name string) error {
	section, known, err := cluster.Explain(name)
	if err != nil {
		return err
	}
	if !known {
		return notExplained(name)
	}
	if a.isJSON() {
		return a.answer(section)
	}
	text, err := section.YAML()
	if err != nil {
		return err
	}
	p := settingPrinter{width: textWidth}
	p.setting(section, "")
	_, err = io.WriteString(a.out, p.out.String()+"\nIn cluster.yaml:\n\n"+string(text))
	return err
}

// notExplained tells an addon without a section from what is no addon.
func notExplained(name string) error {
	entries, err := addons.Catalog()
	if err != nil {
		return err
	}
	sections := "these have a section: " + strings.Join(cluster.OptionalAddons(), ", ")
	if slices.ContainsFunc(entries, func(e addons.Entry) bool { return e.Name == name }) {
		return usageError(fmt.Errorf("addon %s is in every cluster and has no section of its own; %s", name, sections))
	}
	return usageError(errors.New(`"` + name + `" is not an addon; ` + sections))
}

// textWidth is where lines of prose are broken, as in the help texts.
const textWidth = 80

// settingPrinter writes settings for people, each below the one that holds it.
type settingPrinter struct {
	out   strings.Builder
	width int // in characters
}

// setting writes a key, what is known of it, and all keys below it.
func (p *settingPrinter) setting(s cluster.Setting, indent string) {
	fmt.Fprintf(&p.out, "%s%s  (%s)\n", indent, s.Key, strings.Join(facts(s), "; "))
	inner := indent + "    "
	for line := range strings.SplitSeq(wordwrap.WrapString(s.Doc, uint(p.width-len(inner))), "\n") {
		p.out.WriteString(inner + line + "\n")
	}
	for _, below := range s.Settings {
		p.out.WriteString("\n")
		p.setting(below, indent+"  ")
	}
}

// facts are the short things to say of a setting.
func facts(s cluster.Setting) []string {
	words := []string{s.Type}
	if s.Required {
		words = append(words, "required")
	}
	if len(s.Values) > 0 {
		words = append(words, "one of "+strings.Join(s.Values, ", "))
	}
	switch {
	case s.Default != nil:
		words = append(words, "default "+inline(s.Default))
	case s.Example != nil && len(s.Settings) == 0:
		words = append(words, "such as "+inline(s.Example))
	}
	return words
}

// inline is a value on one line, as YAML takes it.
func inline(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
