package check

import (
	"maps"
	"strings"
	"testing"
)

const bt = "`"

// bareRules are the rules without the exceptions this repository has.
var bareRules = func() map[string]func(Tree) []Problem {
	rules := maps.Clone(treeRules)
	rules["size"] = func(t Tree) []Problem { return size(t, nil) }
	rules["sleep"] = func(t Tree) []Problem { return sleep(t, nil) }
	return rules
}()

// TestTreeRules shows for each rule what breaks it, and what comes near and does not.
func TestTreeRules(t *testing.T) {
	cases := []struct {
		rule, name string
		path, text string
		want       string // part of the one message; "" for none
	}{
		{"docs", "package", "store/a.go", "package store\n", "store: the package has no comment"},
		{"docs", "function", "a/a.go", "// Package a is.\npackage a\n\nfunc F() {}\n", "a/a.go:4: F has no comment"},
		{"docs", "method", "a/a.go", "// Package a is.\npackage a\n\n// T is.\ntype T[X any] struct{}\n\nfunc (t *T[X]) M() {}\n", "M has no comment"},
		{"docs", "interface", "a/a.go", "// Package a is.\npackage a\n\n// I is.\ntype I interface {\n\tM()\n\t// N is.\n\tN()\n\t// O is.\n\tO()\n}\n", "M has no comment"},
		{"docs", "small interface", "a/a.go", "// Package a is.\npackage a\n\n// I is.\ntype I interface{ M() }\n", ""},
		{"docs", "type in a group", "a/a.go", "// Package a is.\npackage a\n\n// Two.\ntype (\n\tA int\n\t// B is.\n\tB int\n)\n", "A has no comment"},
		{"docs", "constant", "a/a.go", "// Package a is.\npackage a\n\nconst C = 1\n", "C has no comment"},
		{"docs", "constants in a group", "a/a.go", "// Package a is.\npackage a\n\n// All of them.\nconst (\n\tC = 1\n\tD = 2\n)\n", ""},
		{"docs", "well known", "a/a.go", "// Package a is.\npackage a\n\n// E is.\ntype E struct{}\n\nfunc (E) Error() string { return \"\" }\n", ""},
		{"docs", "method of the unexported", "a/a.go", "// Package a is.\npackage a\n\ntype e struct{}\n\nfunc (e) M() {}\n", ""},
		{"docs", "test", "a/a_test.go", "package a\n\nfunc TestA() {}\n", ""},

		{"size", "soft", "a/a.go", "package a\n" + strings.Repeat("\n", 400), "has 401 lines, the limit is 400: split"},
		{"size", "soft, just", "a/a.go", strings.Repeat("\n", 400), ""},
		{"size", "hard", "a/a_test.go", strings.Repeat("\n", 801), "the limit is 800"},
		{"size", "hard, just", "a/a_test.go", strings.Repeat("\n", 800), ""},

		{"sleep", "plain", "a/a_test.go", "package a\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", "a/a_test.go:3: waits for real time: use synctest"},
		{"sleep", "renamed", "a/a_test.go", "package a\nimport clock \"time\"\nfunc f() { clock.Sleep(1) }\n", "real time"},
		{"sleep", "as a value", "a/a_test.go", "package a\nimport \"time\"\nvar nap = time.Sleep\n", "real time"},
		{"sleep", "in disguise", "a/a_test.go", "package a\nimport \"time\"\nfunc f() { <-time.After(1) }\n", "real time"},
		{"sleep", "in a bubble", "a/a_test.go", "package a\nimport (\n\"testing/synctest\"\n\"time\"\n)\nfunc f() { synctest.Test(nil, func() { time.Sleep(1) }) }\n", ""},
		{"sleep", "in a runtimetest", "a/a_test.go", "package a\nimport (\n\"github.com/stepwell/stepwell/runtime/runtimetest\"\n\"time\"\n)\nfunc f() { runtimetest.Run(nil, func() { time.Sleep(1) }) }\n", ""},
		{"sleep", "bubble elsewhere", "a/a_test.go", "package a\nimport (\n\"testing/synctest\"\n\"time\"\n)\nfunc f() { synctest.Wait() }\nfunc g() { time.Sleep(1) }\n", "a/a_test.go:7"},
		{"sleep", "handed to a bubble", "a/a_test.go", "package a\nimport (\n\"testing/synctest\"\n\"time\"\n)\nfunc b(f func()) { synctest.Test(nil, f) }\nfunc c(f func()) { b(f) }\nfunc g() { c(func() { time.Sleep(1) }) }\n", ""},
		{"sleep", "helper of bubbles", "a/a_test.go", "package a\nimport (\n\"testing/synctest\"\n\"time\"\n)\nfunc h() { time.Sleep(1) }\nfunc k() { h() }\nfunc TestA() { synctest.Test(nil, k) }\n", ""},
		{"sleep", "helper of others too", "a/a_test.go", "package a\nimport (\n\"testing/synctest\"\n\"time\"\n)\nfunc h() { time.Sleep(1) }\nfunc TestA() { synctest.Test(nil, h) }\nfunc TestB() { h() }\n", "a/a_test.go:6"},
		{"sleep", "helper of nobody", "a/a_test.go", "package a\nimport \"time\"\nfunc h() { time.Sleep(1); h() }\n", "a/a_test.go:3"},
		{"sleep", "beside a bubble", "a/a_test.go", "package a\nimport (\n\"testing/synctest\"\n\"time\"\n)\nfunc b(f func()) { synctest.Test(nil, f) }\nfunc g() { b(func() {}); time.Sleep(1) }\n", "a/a_test.go:7"},
		{"sleep", "after a case", "a/a_test.go", "package a\nimport \"time\"\nfunc f() { select { default: time.Sleep(1) } }\n", "real time"},
		{"sleep", "timeout", "a/a_test.go", "package a\nimport \"time\"\nfunc f() { select { case <-time.After(1): } }\n", ""},
		{"sleep", "not a test", "a/a.go", "package a\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", ""},

		{"sql", "select", "runtime/a.go", "package runtime\nconst q = " + bt + "\n\tSELECT id\n\tFROM runs" + bt + "\n", "runtime/a.go:2: is SQL outside a backend: give store.Store a method"},
		{"sql", "pragma", "runtime/a.go", "package runtime\nconst q = \"PRAGMA quick_check\"\n", "is SQL"},
		{"sql", "insert or", "store/a.go", "package store\nconst q = \"INSERT OR IGNORE INTO t VALUES (1)\"\n", "is SQL"},
		{"sql", "file", "runtime/a.sql", "SELECT 1;", "move it into store/sqlite"},
		{"sql", "in a backend", "store/sqlite/a.go", "package sqlite\nconst q = \"SELECT 1\"\n", ""},
		{"sql", "in a test", "cmd/stepwell/a_test.go", "package main\nconst q = \"PRAGMA integrity_check\"\n", ""},
		{"sql", "English", "runtime/a.go", "package runtime\nconst q = \"Select a run from the list, UPDATE it\"\n", ""},

		{"names", "package", "a/a.go", "package util\n", "util names nothing: call it after the noun"},
		{"names", "folder", "a/helpers/a.go", "package a\n", "helpers names nothing"},
		{"names", "file", "a/types.go", "package a\n", "types names nothing"},
		{"names", "test file", "a/common_test.go", "package a\n", "common names nothing"},
		{"names", "part of a name", "a/httputil/types_of.go", "package httputil\n", ""},
		{"names", "runtime within ours", "runtime/a.go", "package runtime\nimport \"runtime\"\n", `import goruntime "runtime"`},
		{"names", "runtime beside ours", "cmd/a.go", "package main\nimport (\n\"runtime\"\nsw \"github.com/stepwell/stepwell/runtime\"\n)\n", "goruntime"},
		{"names", "runtime under another name", "runtime/a.go", "package runtime\nimport rt \"runtime\"\n", "goruntime"},
		{"names", "goruntime", "runtime/a.go", "package runtime\nimport goruntime \"runtime\"\n", ""},
		{"names", "runtime far from ours", "store/sqlite/a.go", "package sqlite\nimport \"runtime\"\n", ""},
		{"names", "another of its packages", "runtime/a.go", "package runtime\nimport \"runtime/debug\"\n", ""},

		{"snippets", "no file", "README.md", "text\n\n```go\nx\n```\n", "README.md:3: the block of Go names no file: put <!--"},
		{"snippets", "missing file", "README.md", "<!-- a/example_test.go -->\n```go\nx\n```\n", "which does not exist"},
		{"snippets", "other language", "README.md", "```sh\ngo run .\n```\n", ""},

		{"hosts", "container registry", "a.yaml", "image: g" + "cr.io/x/y\n", "a.yaml:1: \"gcr" + ".io\" names a container registry: use an image's short name"},
		{"hosts", "another", "a/Dockerfile", "\nFROM mcr.micro" + "soft.com/x\n", "a/Dockerfile:2"},
		{"hosts", "regional", "a.yaml", "image: europe-docker.pkg" + ".dev/p/r\n", "container registry"},
		{"hosts", "package registry", "x", "GOPROXY=https://proxy.golang" + ".org\n", "package registry: leave it to the client"},
		{"hosts", "machine path", "a.go", "// see /wo" + "rk/main\n", "path of somebody's machine"},
		{"hosts", "home", "a.go", "const d = \"/ro" + "ot/x\"\n", "os.UserCacheDir"},
		{"hosts", "near misses", "a.go", "golang.org/x/sys a/work/b docker.go /data/x ./root/x\n", ""},
		{"hosts", "go.sum", "go.sum", "g" + "cr.io\n", ""},
	}
	for _, c := range cases {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			requireOne(t, bareRules[c.rule](Tree{c.path: []byte(c.text)}), c.want)
		})
	}
}

func TestSizeListShrinks(t *testing.T) {
	tree := Tree{"a.go": []byte(strings.Repeat("\n", 500)), "b.go": []byte("\n")}
	requireOne(t, size(tree, map[string]int{"a.go": 500}), "")
	requireOne(t, size(tree, map[string]int{"a.go": 499}), "has 500 lines, the limit is 499")
	requireOne(t, size(tree, map[string]int{"a.go": 500, "b.go": 450}), "take it off the list")
	requireOne(t, size(tree, map[string]int{"a.go": 500, "gone.go": 450}), "take it off the list")
}

func TestSleepListShrinks(t *testing.T) {
	list := map[string]string{"a_test.go": "why"}
	sleeping := Tree{"a_test.go": []byte("package a\nimport \"time\"\nfunc f() { time.Sleep(1) }\n")}
	requireOne(t, sleep(sleeping, list), "")
	requireOne(t, sleep(sleeping, nil), "real time")
	requireOne(t, sleep(Tree{"a_test.go": []byte("package a\n")}, list), "take it off the list")
}

func TestSnippetsMatchFiles(t *testing.T) {
	file := "package a\n\nfunc f() {\n\tg()\n\n\th()\n}\n"
	cases := []struct{ name, block, want string }{
		{"whole", file, ""},
		{"part", "func f() {\n\tg()\n", ""},
		{"less indented", "g()\n\nh()\n", ""},
		{"changed", "func f() {\n\tG()\n", "README.md:3: the block of Go is not in a.go: copy it from there"},
		{"unevenly indented", "func f() {\n\t\tg()\n", "is not in a.go"},
		{"part of a line", "f() {\n", "is not in a.go"},
		{"lines left out", "g()\nh()\n", "is not in a.go"},
		{"empty", "", "is not in a.go"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := "<!-- a.go -->\n\n```go\n" + c.block + "```\n"
			requireOne(t, Snippets(Tree{"a.go": []byte(file), "README.md": []byte(text)}), c.want)
		})
	}
}

func TestExamples(t *testing.T) {
	tree := Tree{
		"runtime/a.go":            []byte("package runtime\nfunc Shown() {}\nfunc Hidden() {}\nfunc Tested() {}\ntype t int\nfunc (t) Method() {}\n"),
		"runtime/a_test.go":       []byte("package runtime\nfunc TestA() { x.Tested() }\n"),
		"runtime/example_test.go": []byte("package runtime_test\nfunc Example() { runtime.Shown(); v.Method() }\n"),
		"runtime/api/a.go":        []byte("package api\nfunc Elsewhere() {}\n"),
	}
	for name, want := range map[string]string{
		"Shown": "", "Method": "", "Hidden": "Hidden is in no example", "Tested": "Tested is in no example",
		"Missing": "has no Missing", "Elsewhere": "has no Elsewhere",
	} {
		t.Run(name, func(t *testing.T) { requireOne(t, Examples(tree, []string{name}), want) })
	}
}

func TestImports(t *testing.T) {
	const ours = `"github.com/stepwell/stepwell/`
	cases := []struct{ name, json, want string }{
		{"store on a library", `{"ImportPath":` + ours + `store","Imports":["context","github.com/x/y"]}`, "store: imports github.com/x/y; store imports the standard library only"},
		{"store on us", `{"ImportPath":` + ours + `store","Imports":[` + ours + `runtime"]}`, "imports ./runtime; may import []"},
		{"store on the standard runtime", `{"ImportPath":` + ours + `store","Imports":["runtime","runtime/debug","cmd/go"]}`, ""},
		{"backend on backend", `{"ImportPath":` + ours + `store/postgres","Imports":[` + ours + `store/sqlite"]}`, "knows no other backend"},
		{"backend on store", `{"ImportPath":` + ours + `store/sqlite","Imports":[` + ours + `store","modernc.org/sqlite"],"Deps":["modernc.org/libc"]}`, ""},
		{"backend's own part", `{"ImportPath":` + ours + `store/sqlite","Imports":[` + ours + `store/sqlite/internal/wal"]}`, ""},
		{"engine on backend", `{"ImportPath":` + ours + `runtime","Imports":[` + ours + `store/sqlite"]}`, "imports ./store/sqlite; may import [./store ./runtime/internal/]"},
		{"engine on app", `{"ImportPath":` + ours + `runtime","Imports":[` + ours + `runtime/app"]}`, "imports ./runtime/app"},
		{"engine on the OTel API", `{"ImportPath":` + ours + `runtime","Imports":["go.opentelemetry.io/otel/trace"]}`, ""},
		{"engine links a driver", `{"ImportPath":` + ours + `runtime","Imports":["x"],"Deps":["x","modernc.org/sqlite"]}`, "links modernc.org/sqlite through another package; ask for it in a method of store.Store"},
		{"engine on a library", `{"ImportPath":` + ours + `runtime","Imports":["github.com/x/y"]}`, "every user would depend on it"},
		{"engine links the SDK", `{"ImportPath":` + ours + `runtime","Imports":["x"],"Deps":["x","go.opentelemetry.io/otel/sdk/trace"]}`, "links go.opentelemetry.io/otel/sdk/trace through another package; use the OTel API"},
		{"api on the SDK", `{"ImportPath":` + ours + `runtime/api","Imports":["go.opentelemetry.io/otel/sdk/trace"],"Deps":["go.opentelemetry.io/otel/sdk/trace"]}`, "only telemetry imports the SDK"},
		{"app on the SDK", `{"ImportPath":` + ours + `runtime/app","Imports":["go.opentelemetry.io/contrib/exporters/autoexport"]}`, "only telemetry imports the SDK"},
		{"app links the SDK", `{"ImportPath":` + ours + `runtime/app","Imports":[` + ours + `telemetry"],"Deps":["go.opentelemetry.io/otel/sdk"]}`, ""},
		{"telemetry on the SDK", `{"ImportPath":` + ours + `telemetry","Imports":[` + ours + `store","go.opentelemetry.io/otel/sdk/trace"]}`, ""},
		{"api on a driver", `{"ImportPath":` + ours + `runtime/api","Imports":["database/sql"]}`, "only a backend speaks to a database"},
		{"health links database/sql by its metrics", `{"ImportPath":` + ours + `runtime/health","Imports":["x"],"Deps":["x","database/sql"]}`, ""},
		{"api on the driver itself", `{"ImportPath":` + ours + `runtime/api","Imports":["modernc.org/sqlite"]}`, "only a backend knows its driver"},
		{"api on health", `{"ImportPath":` + ours + `runtime/api","Imports":[` + ours + `runtime/health"]}`, "app joins the listeners"},
		{"health on app", `{"ImportPath":` + ours + `runtime/health","Imports":[` + ours + `runtime/app"]}`, "app joins the listeners"},
		{"app joins", `{"ImportPath":` + ours + `runtime/app","Imports":[` + ours + `runtime/health",` + ours + `store/sqlite",` + ours + `telemetry"],"Deps":["modernc.org/sqlite"]}`, ""},
		{"on cmd", `{"ImportPath":` + ours + `runtime/app","Imports":[` + ours + `cmd/stepwell/internal/experiment"]}`, "imports ./cmd/stepwell/internal/experiment"},
		{"cmd on a backend", `{"ImportPath":` + ours + `cmd/stepwell","Name":"main","Imports":[` + ours + `store/sqlite"]}`, "a main like any user's"},
		{"binary links testing", `{"ImportPath":` + ours + `cmd/stepwell","Name":"main","Imports":["x"],"Deps":["testing"]}`, "links testing through another package; move it to a _test.go file"},
		{"binary links storetest", `{"ImportPath":` + ours + `cmd/stepwell","Name":"main","Deps":[` + ours + `store/storetest"]}`, "links ./store/storetest; a binary must not"},
		{"code imports testing", `{"ImportPath":` + ours + `runtime","Imports":["testing"],"Deps":["testing"]}`, "the binary must not link it"},
		{"storetest imports testing", `{"ImportPath":` + ours + `store/storetest","Imports":["testing",` + ours + `store"],"Deps":["testing"]}`, ""},
		{"nowhere", `{"ImportPath":` + ours + `newthing"}`, "has no place in the lattice: give it a room"},
		{"assertions", `{"ImportPath":` + ours + `runtime","XTestImports":["github.com/stretchr/testify/assert"]}`, "use the standard testing package"},
		{"tests import backends", `{"ImportPath":` + ours + `runtime","XTestImports":[` + ours + `store/sqlite"]}`, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			packages, err := DecodePackages(strings.NewReader(c.json))
			if err != nil {
				t.Fatal(err)
			}
			requireOne(t, Imports(packages), c.want)
		})
	}
}

func TestReadLeavesOut(t *testing.T) {
	tree, err := Read(".", func(path string) bool { return path == "doc.go" })
	if err != nil {
		t.Fatal(err)
	}
	if tree["doc.go"] != nil || tree["tree.go"] == nil {
		t.Error("Read kept doc.go or lost tree.go")
	}
}
