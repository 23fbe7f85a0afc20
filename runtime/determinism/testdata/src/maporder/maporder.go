// Package maporder goes through maps.
package maporder

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sort"
	"sync"

	"github.com/stepwell/stepwell/runtime"
)

type out struct {
	Names []string
	Sum   int
}

var Bad = runtime.Define("bad", func(ctx context.Context, m map[string]int) (out, error) {
	var o out
	for name := range m { // want `a map is gone through in another order each time; range over slices.Sorted\(maps.Keys\(m\)\)`
		if _, err := runtime.Step(ctx, name, charge); err != nil {
			return o, err
		}
	}
	for name := range m { // want `a map is gone through`
		o.Names = append(o.Names, name)
	}
	for name, n := range m { // want `a map is gone through`
		if n < 0 {
			return o, errors.New("bad " + name)
		}
	}
	last := ""
	for name := range m { // want `a map is gone through`
		last = name
	}
	share := 1.0
	for _, n := range m { // want `a map is gone through`
		share += float64(n)
	}
	for _, name := range slices.Collect(maps.Keys(m)) { // want `a map is gone through in another order each time; use slices.Sorted\(maps.Keys\(m\)\)`
		last += name
	}
	for name := range maps.All(m) { // want `a map is gone through`
		last += name
	}
	var shared sync.Map
	shared.Range(func(k, v any) bool { return true }) // want `sync.Map.Range goes through the map in another order each time; use sorted keys`
	return o, nil
})

var Good = runtime.Define("good", func(ctx context.Context, m map[string]int) (out, error) {
	var o out
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for name, n := range m {
		if n > 1 {
			o.Names = append(o.Names, name)
		}
	}
	sort.Strings(o.Names)
	most, twice, known := 0, map[string]int{}, false
	for name, n := range m {
		o.Sum += n
		twice[name] = 2 * n
		if n > most {
			most = n
		}
		most = max(most, n)
		if name == "tea" {
			known = true
			break
		}
		switch {
		case n < 0:
			delete(twice, name)
		case n == 0:
			continue
		}
	}
	for range m {
		o.Sum++
	}
	if has(m, 3) || known {
		return o, nil
	}
	sorted := slices.Collect(maps.Keys(m))
	slices.SortFunc(sorted, func(a, b string) int { return len(a) - len(b) })
	again := maps.Collect(maps.All(m))
	for _, name := range slices.Sorted(maps.Keys(again)) {
		if _, err := runtime.Step(ctx, name, charge); err != nil {
			return o, err
		}
	}
	return runtime.Step(ctx, "any", func(context.Context) (out, error) {
		for name := range m {
			return out{Names: []string{name}}, nil
		}
		return out{}, nil
	})
})

func has(m map[string]int, n int) bool {
	for _, v := range m {
		if v == n {
			return true
		}
	}
	return false
}

func charge(context.Context) (int, error) { return 0, nil }
