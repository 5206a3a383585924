package cluster

import (
	"slices"
	"testing"
)

// What a person reads about a section is all that there is, and true: each
// setting says what it is for, and each example is read by kbm without a fault
// in itself.
func TestExplainTellsEverything(t *testing.T) {
	var complete func(Setting)
	complete = func(s Setting) {
		if s.Doc == "" || s.Type == "" || s.Key == "" {
			t.Errorf("%s says too little: %+v", s.Key, s)
		}
		plain := s.Type != "true or false" && len(s.Settings) == 0
		if plain && s.Example == nil && s.Default == nil && len(s.Values) == 0 {
			t.Errorf("%s has neither a default nor an example", s.Key)
		}
		for _, below := range s.Settings {
			complete(below)
		}
	}
	for _, name := range OptionalAddons() {
		s, known, err := Explain(name)
		if err != nil || !known {
			t.Fatal(name, known, err)
		}
		complete(s)
		text, err := s.YAML()
		if err != nil {
			t.Fatal(err)
		}
		c, faults := Parse(File, append([]byte(clusterText), text...))
		if len(faults) > 0 || !slices.Equal(c.Addons.Enabled(), []string{name}) {
			t.Errorf("%s: %v in:\n%s", name, faults, text)
		}
	}
	if _, known, _ := Explain("coredns"); known {
		t.Error("coredns has no section")
	}
}

// The defaults that are shown are those that are taken.
func TestExplainedDefaults(t *testing.T) {
	find := func(addon string, keys ...string) Setting {
		s, _, err := Explain(addon)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			i := slices.IndexFunc(s.Settings, func(s Setting) bool { return s.Key == key })
			if i < 0 {
				t.Fatalf("%s has no %s", s.Key, key)
			}
			s = s.Settings[i]
		}
		return s
	}
	if s := find("ingress", "classes", "expose"); s.Default != HostNetwork || !slices.Equal(s.Values, Exposures()) || s.Type != "text" {
		t.Errorf("got %+v", s)
	}
	if s := find("ingress", "classes", "default"); s.Default != nil {
		t.Errorf("only a class that is alone is the default by itself: %+v", s)
	}
	if s := find("load-balancer", "pools", "autoAssign"); s.Default != true || s.Type != "true or false" {
		t.Errorf("got %+v", s)
	}
	if s := find("dns", "cloudflare", "apiToken"); !s.Required || len(s.Settings) > 0 {
		t.Errorf("got %+v", s)
	}
}
