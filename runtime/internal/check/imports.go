package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// module is this one's path. Here its packages are written ./store and so on, because runtime is the standard
// library's name too.
const module = "github.com/stepwell/stepwell"

// Package is what go list tells about one package. Packages of this module are written from its top: ./store.
type Package struct {
	ImportPath   string
	Name         string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string // all it links, tests apart
}

// room says what the packages of one part of the house may import from it.
type room struct {
	path string // the package, or with a final slash it and those below it
	may  []string
	why  string
}

// The house, as design.md's arrows: a room may import what is listed and nothing above it. The first that
// matches a package counts. Do not add an arrow to get a build through: move the code down, or pass the value in.
var rooms = []room{
	{"./store", nil, "the store's words are everybody's, so they can depend on nobody"},
	{"./store/storetest/", []string{"./store"}, "the suite knows no backend, or it could not test them all"},
	{"./store/", []string{"./store"}, "a backend implements the store's words and knows no other backend"},
	{"./telemetry/", []string{"./store"}, "spans are read from the store's rows, whoever wrote them"},
	{"./runtime", []string{"./store", "./runtime/internal/"}, "the engine runs on any store, under any listener"},
	{"./runtime/internal/check/", nil, "the house rules look at the house, they do not live in it"},
	{"./runtime/internal/", []string{"./store", "./runtime/internal/"}, "the engine's parts must not know the engine"},
	{"./runtime/runtimetest/", []string{"./runtime", "./runtime/internal/seam", "./runtime/internal/writes", "./store", "./store/sqlite"}, "a runtime for tests, on a store of its own; seam is there for it alone, writes for it and the engine's tests"},
	{"./runtime/determinism/", nil, "the analyser reads code and runs none: it knows the engine by its names"},
	{"./runtime/api/", []string{"./runtime", "./store", "./runtime/internal/"}, "app joins the listeners to the rest, they do not know it or one another"},
	{"./runtime/ui/", []string{"./runtime", "./store", "./runtime/internal/"}, "app joins the listeners to the rest, they do not know it or one another"},
	{"./runtime/access/", []string{"./runtime/internal/"}, "who may come in does not depend on what is inside: it stands before any handler"},
	{"./runtime/health/", []string{"./runtime", "./store", "./runtime/internal/"}, "app joins the listeners to the rest, they do not know it or one another"},
	{"./runtime/app/", []string{"./runtime/", "./store/", "./telemetry/"}, "app joins everything, and is what a main imports"},
	{"./cmd/stepwellvet/", []string{"./runtime/determinism"}, "a tool for go vet, which must not link the engine"},
	{"./cmd/", []string{"./runtime", "./runtime/app", "./runtime/api", "./store", "./cmd/"}, "our binary is a main like any user's"},
}

// ban forbids an import from outside the module.
type ban struct {
	what    []string // import paths; with a final slash, that and all below
	except  []string // rooms that may import it themselves
	through []string // rooms that may link it by way of another; nil: all may
	instead string
}

var (
	sdk     = []string{"go.opentelemetry.io/otel/sdk/", "go.opentelemetry.io/otel/exporters/", "go.opentelemetry.io/contrib/exporters/", "go.opentelemetry.io/contrib/bridges/"}
	drivers = []string{"modernc.org/", "github.com/jackc/"}
)

var bans = []ban{
	{sdk, []string{"./telemetry/"}, []string{"./runtime/app/", "./cmd/"},
		"use the OTel API (go.opentelemetry.io/otel/trace and its like): only telemetry imports the SDK, so that a user's own SDK works"},
	{drivers, []string{"./store/sqlite/", "./store/postgres/", "./store/replica/"}, []string{"./runtime/app/", "./runtime/runtimetest/", "./cmd/"},
		"ask for it in a method of store.Store: only a backend knows its driver"},
	// The engine has the type in its signatures, and speaks to no database.
	{[]string{"database/sql"}, []string{"./store/", "./store", "./runtime", "./runtime/runtimetest/"}, nil,
		"ask for it in a method of store.Store: only a backend speaks to a database"},
	// Who only runs workflows should not carry it; what describes their types to clients is in one place.
	{[]string{"github.com/google/jsonschema-go/"}, []string{"./runtime/internal/schema/", "./runtime/api/", "./runtime/ui/"}, []string{"./runtime/app/", "./cmd/"},
		"ask runtime/internal/schema for the schema of a type: the engine itself describes none"},
	{[]string{"testing/"}, []string{"./store/storetest/", "./store/sqlite/sqlitetest/", "./runtime/runtimetest/"}, []string{},
		"move it to a _test.go file, or to storetest, sqlitetest or runtimetest: the binary must not link it"},
}

// The engine's own dependencies become those of every user.
var engineMay = []string{"go.opentelemetry.io/otel/", "golang.org/x/sys/", "github.com/google/uuid", "github.com/robfig/cron/v3"}

// Tests are read by more people than write them: one way to say that two values differ.
var testsMayNot = []string{"github.com/stretchr/testify/", "github.com/onsi/", "gotest.tools/", "github.com/matryer/is/", "go.uber.org/goleak/"}

// DecodePackages reads the output of go list -json and returns the packages of this module.
func DecodePackages(r io.Reader) ([]Package, error) {
	var packages []Package
	for dec := json.NewDecoder(r); ; {
		var p Package
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		p.ImportPath = fromTop(p.ImportPath)
		for _, list := range [][]string{p.Imports, p.TestImports, p.XTestImports, p.Deps} {
			for i, path := range list {
				list[i] = fromTop(path)
			}
		}
		packages = append(packages, p)
	}
}

// Imports holds the arrows of the house: what a package may import, and what may end up in it.
func Imports(packages []Package) (found []Problem) {
	for _, p := range packages {
		report := func(format string, args ...any) {
			found = append(found, Problem{Path: strings.TrimPrefix(p.ImportPath, "./"), Text: fmt.Sprintf(format, args...)})
		}
		r, ok := roomOf(p.ImportPath)
		if !ok {
			report("has no place in the lattice: give it a room in runtime/internal/check/imports.go, with the reason")
			continue
		}
		for _, path := range p.Imports {
			switch {
			case !strings.HasPrefix(path, "./"):
				if r.path == "./store" && outside(path) {
					report("imports %s; store imports the standard library only: %s", path, r.why)
				}
				if r.path == "./runtime" && outside(path) && !matchAny(engineMay, path) {
					report("imports %s; every user would depend on it: use the standard library or the OTel API, or pass it in through Config", path)
				}
			case !matchAny(r.may, path) && !strings.HasPrefix(path, p.ImportPath+"/internal/"):
				report("imports %s; may import %v: %s. Move the code down, or pass the value in", path, r.may, r.why)
			}
			for _, b := range bans {
				if matchAny(b.what, path) && !matchAny(b.except, p.ImportPath) {
					report("imports %s; %s", path, b.instead)
				}
			}
		}
		for _, path := range p.Deps {
			for _, b := range bans {
				may := slices.Concat(b.except, b.through)
				if b.through != nil && matchAny(b.what, path) && !matchAny(may, p.ImportPath) && !slices.Contains(p.Imports, path) {
					report("links %s through another package; %s", path, b.instead)
				}
			}
			if p.Name == "main" && match("./store/storetest/", path) {
				report("links %s; a binary must not: import it from _test.go files", path)
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if matchAny(testsMayNot, path) {
				report("its tests import %s; use the standard testing package and github.com/google/go-cmp/cmp", path)
			}
		}
	}
	return sorted(found)
}

func roomOf(path string) (room, bool) {
	for _, r := range rooms {
		if match(r.path, path) {
			return r, true
		}
	}
	return room{}, false
}

func fromTop(path string) string {
	if rest, ok := strings.CutPrefix(path, module); ok && (rest == "" || rest[0] == '/') {
		return "." + rest
	}
	return path
}

// outside tells whether path is neither ours nor the standard library's: its first part is a host name.
func outside(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != "." && strings.Contains(first, ".")
}

// match tells whether path is pattern, or with a final slash is it or below it.
func match(pattern, path string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/"); ok {
		return path == dir || strings.HasPrefix(path, pattern)
	}
	return path == pattern
}

func matchAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, path) })
}
