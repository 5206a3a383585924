package provision

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Objects say their class and their names in more than one way.
func TestExposed(t *testing.T) {
	class := "external"
	in := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "app", Annotations: map[string]string{
			classAnnotation: "nginx", hostnameAnnotation: "www.example.com, app2.example.com,",
		}},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: "app.example.com"}, {}}},
		Status: networkingv1.IngressStatus{LoadBalancer: networkingv1.IngressLoadBalancerStatus{
			Ingress: []networkingv1.IngressLoadBalancerIngress{{IP: "192.168.1.240"}, {Hostname: "lb.example.net"}},
		}},
	}
	want := Exposed{
		Kind: "Ingress", Namespace: "web", Name: "app", Class: "nginx",
		Hosts: []string{"www.example.com", "app2.example.com", "app.example.com"}, Addresses: []string{"192.168.1.240", "lb.example.net"},
	}
	if got := exposedIngress(in); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	in.Spec.IngressClassName = &class
	if got := exposedIngress(in); got.Class != class {
		t.Errorf("the old annotation counts more than the field: %+v", got)
	}
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "external"},
		Status:     corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: "fd00::1"}}}},
	}
	if got := exposedService(s); got.Name != "external" || len(got.Hosts) > 0 || got.Addresses[0] != "fd00::1" {
		t.Errorf("got %+v", got)
	}
}
