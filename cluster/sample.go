package cluster

import "reflect"

// sampleAddons are addons of which everything is on and nothing is set, so that
// every value in them is a default. Lists hold two items, since what is alone in
// a list may be something by that.
func sampleAddons() Addons {
	var a Addons
	populate(reflect.ValueOf(&a).Elem())
	return a.withDefaults(&Cluster{})
}

func populate(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct:
		v.Set(reflect.New(v.Type().Elem()))
		populate(v.Elem())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			populate(v.Index(i))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				populate(v.Field(i))
			}
		}
	}
}

// inside is what a pointer or a list of sections holds, by type and by its
// first value, or an empty one.
func inside(t reflect.Type, v reflect.Value) (reflect.Type, reflect.Value) {
	switch {
	case t.Kind() == reflect.Pointer && v.IsNil(), t.Kind() == reflect.Slice && isSection(t.Elem()) && v.Len() == 0:
		return t.Elem(), reflect.Zero(t.Elem())
	case t.Kind() == reflect.Pointer:
		return t.Elem(), v.Elem()
	case t.Kind() == reflect.Slice && isSection(t.Elem()):
		return t.Elem(), v.Index(0)
	}
	return t, v
}
