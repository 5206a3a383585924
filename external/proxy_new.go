package external

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/kbm-dev/kbm/cluster"
)

// NewProxy plans a proxy. The error says what the spec or the options lack.
func NewProxy(o ProxyOptions) (Proxy, error) {
	p := Proxy{Cluster: o.Cluster.Name, User: o.User, Group: o.Group, Connections: o.Connections, Stats: o.Stats}
	if err := o.check(); err != nil {
		return p, err
	}
	if o.APIPort != 0 && len(o.Cluster.Controllers()) == 0 {
		return p, errors.New("there is no controller to lead to: add one, or leave the API out")
	}
	if o.APIPort != 0 {
		p.addAPI(o)
	}
	for _, w := range []way{
		{name: "http", listen: o.HTTPPort, by: byHost, check: checkHTTP, port: httpPort, elsewhere: o.HTTP, other: o.HTTPDefault},
		{name: "https", listen: o.HTTPSPort, by: bySNI, check: checkTLS, port: httpsPort, elsewhere: o.HTTPS, other: o.HTTPSDefault},
	} {
		if err := p.addWay(o, w); err != nil {
			return p, err
		}
	}
	if len(p.Frontends) == 0 {
		return p, errors.New("there is nothing to lead to: the API is left out, and addons.ingress has no class")
	}
	return p, nil
}

func (o ProxyOptions) listen(port int) []string {
	out := []string{}
	for _, address := range o.Listen {
		out = append(out, net.JoinHostPort(address, strconv.Itoa(port)))
	}
	return out
}

func (p *Proxy) addAPI(o ProxyOptions) {
	p.Frontends = append(p.Frontends, Frontend{Name: "api", Listen: o.listen(o.APIPort), Default: "api"})
	p.Backends = append(p.Backends, Backend{
		Name: "api", Check: checkAPI, CAFile: o.CAFile,
		Servers: servers(o.Cluster, o.Cluster.AddressesOf(cluster.Controller), o.Cluster.APIServerPort()),
	})
}

// way is one protocol through the proxy.
type way struct {
	name      string
	listen    int
	by, check string
	port      func(cluster.IngressClass) int
	elsewhere []Elsewhere
	other     string
}

func (w way) backendName(class string) string { return w.name + "-" + class }

func (p *Proxy) addWay(o ProxyOptions, w way) error {
	if w.listen == 0 || len(o.Classes) == 0 && len(w.elsewhere) == 0 && w.other == "" {
		return nil
	}
	f := Frontend{Name: w.name, Listen: o.listen(w.listen)}
	// What a person wrote on the command line comes before the classes.
	for _, e := range w.elsewhere {
		f.Routes = append(f.Routes, Route{Name: e.Name, Backend: p.backendTo(w.name, e.To)})
	}
	if w.other != "" {
		f.Default = p.backendTo(w.name, w.other)
	} else if len(o.Classes) > 0 {
		f.Default = w.backendName(o.defaultClass())
	}
	for _, class := range o.Classes {
		names := o.namesOf(class)
		if len(names) == 0 && f.Default != w.backendName(class.Name) {
			return fmt.Errorf("no name would lead to the class %s: list its hosts in addons.ingress, or ask the running cluster with --from cluster, or choose other classes with --class", class.Name)
		}
		backend, err := o.backend(class, w)
		if err != nil {
			return err
		}
		p.Backends = append(p.Backends, backend)
		for _, n := range names {
			f.Routes = append(f.Routes, Route{Name: n.Name, Backend: backend.Name})
		}
	}
	f.settle(w.by)
	p.Frontends = append(p.Frontends, f)
	return nil
}

// settle puts the routes in their order. There are none where all names go
// one way.
func (f *Frontend) settle(by string) {
	if !slices.ContainsFunc(f.Routes, func(r Route) bool { return r.Backend != f.Default }) {
		f.Routes = nil
		return
	}
	f.By = by
	slices.SortStableFunc(f.Routes, func(a, b Route) int {
		// An exact name has no suffix, and the longer one of two says more.
		if (a.Suffix() == "") != (b.Suffix() == "") {
			return cmp.Compare(len(a.Suffix()), len(b.Suffix()))
		}
		return cmp.Or(cmp.Compare(len(b.Suffix()), len(a.Suffix())), cmp.Compare(a.Name, b.Name))
	})
	f.Routes = slices.CompactFunc(f.Routes, func(a, b Route) bool { return a.Name == b.Name })
}

// defaultClass is the class that unknown names go to.
func (o ProxyOptions) defaultClass() string {
	at := slices.IndexFunc(o.Classes, func(class cluster.IngressClass) bool { return class.Default })
	return o.Classes[max(at, 0)].Name
}

func (o ProxyOptions) namesOf(class cluster.IngressClass) []Name {
	return slices.DeleteFunc(slices.Clone(o.Names), func(n Name) bool { return n.Class != class.Name })
}
