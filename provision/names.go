package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Exposed is an Ingress or a Service of the type LoadBalancer: what the world
// outside of the cluster may know by a name.
type Exposed struct {
	Kind, Namespace, Name string
	// Class of an Ingress; empty where it names none.
	Class string
	Hosts []string
	// Addresses are those of its status, or names there.
	Addresses []string
}

const (
	// hostnameAnnotation is external-dns's: further names, with commas between.
	hostnameAnnotation = "external-dns.alpha.kubernetes.io/hostname"
	// classAnnotation is how Ingress objects named their class before 1.18.
	classAnnotation = "kubernetes.io/ingress.class"
)

// ListExposed asks one API server of a running cluster.
func ListExposed(ctx context.Context, env Env) (exposed []Exposed, err error) {
	r := newRun(env)
	defer func() {
		if closeErr := r.close(); err == nil {
			err = closeErr
		}
	}()
	unreachable := r.each(ctx, r.controllers(), func(ctx context.Context, m *machine) error { return connectOne(ctx, r, m) })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if reason := r.findAPI(ctx); r.api == nil {
		return nil, cmp.Or(unreachable, errors.New("no API server is ready: "+reason))
	}
	ingresses, err := r.kube.NetworkingV1().Ingresses("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the Ingress objects: %w", err)
	}
	for i := range ingresses.Items {
		exposed = append(exposed, exposedIngress(&ingresses.Items[i]))
	}
	services, err := r.kube.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the Services: %w", err)
	}
	for i := range services.Items {
		if services.Items[i].Spec.Type == corev1.ServiceTypeLoadBalancer {
			exposed = append(exposed, exposedService(&services.Items[i]))
		}
	}
	return exposed, nil
}

func exposedIngress(in *networkingv1.Ingress) Exposed {
	e := Exposed{Kind: "Ingress", Namespace: in.Namespace, Name: in.Name, Class: in.Annotations[classAnnotation], Hosts: annotated(in.Annotations)}
	if in.Spec.IngressClassName != nil {
		e.Class = *in.Spec.IngressClassName
	}
	for _, rule := range in.Spec.Rules {
		if rule.Host != "" {
			e.Hosts = append(e.Hosts, rule.Host)
		}
	}
	for _, at := range in.Status.LoadBalancer.Ingress {
		e.Addresses = append(e.Addresses, cmp.Or(at.IP, at.Hostname))
	}
	return e
}

func exposedService(s *corev1.Service) Exposed {
	e := Exposed{Kind: "Service", Namespace: s.Namespace, Name: s.Name, Hosts: annotated(s.Annotations)}
	for _, at := range s.Status.LoadBalancer.Ingress {
		e.Addresses = append(e.Addresses, cmp.Or(at.IP, at.Hostname))
	}
	return e
}

func annotated(annotations map[string]string) (hosts []string) {
	for host := range strings.SplitSeq(annotations[hostnameAnnotation], ",") {
		if host = strings.TrimSpace(host); host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts
}
