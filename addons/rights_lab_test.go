//go:build lab

package addons

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// checkRights holds what an account of a namespace did against all that the
// addons' own roles allow it, there and in the whole cluster: nothing may be
// refused, and nothing may be allowed in vain. Rare are rights, as "verb
// group/resource", for what the test does not bring about, or not always.
func checkRights(t *testing.T, all []Addon, audit, namespace, account string, rare ...string) {
	t.Helper()
	text, err := os.ReadFile(audit)
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		var event struct {
			Verb           string
			User           struct{ Username string }
			ObjectRef      struct{ APIGroup, Resource, Subresource string }
			ResponseStatus struct{ Code int }
		}
		if json.Unmarshal([]byte(line), &event) != nil || event.User.Username != "system:serviceaccount:"+namespace+":"+account {
			continue // the last line may still be written
		}
		right := event.Verb + " " + event.ObjectRef.APIGroup + "/" + strings.TrimSuffix(event.ObjectRef.Resource+"/"+event.ObjectRef.Subresource, "/")
		done[right] = true
		if event.ResponseStatus.Code == http.StatusForbidden && event.ObjectRef.Resource != "" {
			t.Errorf("%s may not %s", account, right)
		}
	}
	for _, right := range rightsOf(t, all, namespace, account) {
		if !done[right] && !slices.Contains(rare, right) {
			t.Errorf("%s may %s and never did", account, right)
		}
	}
}

// rightsOf lists what an account may do, without list where it may watch: that
// is what a watch falls back on that cannot stream the list.
func rightsOf(t *testing.T, all []Addon, namespace, account string) []string {
	t.Helper()
	var rights []string
	for _, a := range all {
		for _, o := range a.Objects {
			if !strings.HasSuffix(o.GetKind(), "RoleBinding") {
				continue
			}
			var binding rbacv1.RoleBinding
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &binding); err != nil {
				t.Fatal(err)
			}
			mine := func(s rbacv1.Subject) bool { return s.Namespace == namespace && s.Name == account }
			if !slices.ContainsFunc(binding.Subjects, mine) || strings.HasPrefix(binding.RoleRef.Name, "system:") ||
				binding.RoleRef.Name == "extension-apiserver-authentication-reader" { // Kubernetes' own
				continue
			}
			var role rbacv1.Role
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(find(t, all, binding.RoleRef.Kind, binding.RoleRef.Name).Object, &role); err != nil {
				t.Fatal(err)
			}
			for _, rule := range role.Rules {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						if verb != "list" || !slices.Contains(rule.Verbs, "watch") {
							rights = append(rights, verb+" "+rule.APIGroups[0]+"/"+resource)
						}
					}
				}
			}
		}
	}
	return rights
}
