package api_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// TestMain holds the description to what the tests came by: an answer that is described and never given, or a
// parameter that no call was seen to accept, may not exist.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	for _, partial := range []string{"run", "skip", "list", "fuzz", "bench"} {
		if f := flag.Lookup("test." + partial); f.Value.String() != "" {
			os.Exit(code)
		}
	}
	if missing := unseen(); code == 0 && len(missing) > 0 {
		fmt.Printf("these are described, and no test came by them: give each a test, or take it out of the operation\n\t%s\n", strings.Join(missing, "\n\t"))
		code = 1
	}
	os.Exit(code)
}

// unseen lists what is described and was not seen.
func unseen() (missing []string) {
	contracts.Lock()
	defer contracts.Unlock()
	described, seen := map[string]bool{}, map[string]bool{}
	for _, c := range contracts.of {
		for what := range c.seen {
			seen[what] = true
		}
		for _, op := range c.operations() {
			if strings.Contains(op.id, "_") {
				continue // the start of one workflow is a start
			}
			for status := range op.item["responses"].(map[string]any) {
				if status < "400" {
					described[op.id+" "+status] = true
				}
			}
			params, _ := op.item["parameters"].([]any)
			for _, p := range params {
				if m := p.(map[string]any); m["in"] != "path" {
					described[fmt.Sprintf("%s %s %s", op.id, m["in"], m["name"])] = true
				}
			}
			if op.item["requestBody"] != nil {
				described[op.id+" body"] = true
			}
		}
	}
	for what := range described {
		if !seen[what] {
			missing = append(missing, what)
		}
	}
	slices.Sort(missing)
	return missing
}

type describedOp struct {
	path, method, id string
	item             map[string]any
}

func (c *contract) operations() (ops []describedOp) {
	for path, item := range c.doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			m := op.(map[string]any)
			ops = append(ops, describedOp{path, strings.ToUpper(method), m["operationId"].(string), m})
		}
	}
	return ops
}

// TestDescriptionIsValid: the document is OpenAPI 3.1, each schema in it is a schema, and each example fits.
func TestDescriptionIsValid(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	meta, err := jsonschema.UnmarshalJSON(strings.NewReader(datamodel.OpenAPI31SchemaData))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mem:meta", meta); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("mem:meta")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(s.contract.doc); err != nil {
		t.Error(err)
	}
	if schema.Validate(map[string]any{"openapi": "3.1.0"}) == nil {
		t.Fatal("anything passes for OpenAPI")
	}
	ids := map[string]bool{}
	for _, op := range s.contract.operations() {
		if ids[op.id] {
			t.Errorf("operationId %s is there twice", op.id)
		}
		ids[op.id] = true
	}
	examples := 0
	var walk func(v any, place []string)
	walk = func(v any, place []string) {
		switch v := v.(type) {
		case map[string]any:
			check := func(key string, example any, at ...string) {
				examples++
				if err := s.contract.fits(example, append(slices.Clone(place), at...)...); err != nil {
					t.Errorf("%s: the %s does not fit: %v", pointer(place...), key, err)
				}
			}
			if example, ok := v["example"]; ok && v["schema"] != nil {
				check("example", example, "schema")
			} else if ok && v["data"] != nil {
				check("example", example, "data")
			}
			if list, ok := v["examples"].(map[string]any); ok && v["schema"] != nil {
				for name, e := range list {
					check("example "+name, e.(map[string]any)["value"], "schema")
				}
			}
			for key, below := range v {
				if key == "schema" || key == "data" {
					if err := s.contract.fits(nil, append(slices.Clone(place), key)...); err != nil {
						if _, ok := errors.AsType[*jsonschema.ValidationError](err); !ok {
							t.Errorf("%s is no schema: %v", pointer(append(place, key)...), err)
						}
					}
				}
				if key != "example" && key != "examples" {
					walk(below, append(slices.Clone(place), key))
				}
			}
		case []any:
			for i, below := range v {
				walk(below, append(slices.Clone(place), strconv.Itoa(i)))
			}
		}
	}
	walk(s.contract.doc, nil)
	if examples < 100 {
		t.Errorf("%d examples", examples)
	}
}

// TestDescriptionIsServed: what is described is routed, and what is routed is described.
func TestDescriptionIsServed(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	routes := api.New(s.rt, api.Config{}).(*mux.Router)
	described := map[string]bool{}
	for _, op := range s.contract.operations() {
		described[op.method+" "+op.path] = true
		path := strings.NewReplacer("{", "", "}", "").Replace(op.path)
		req, err := http.NewRequest(op.method, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		var m mux.RouteMatch
		if !routes.Match(req, &m) || m.Route == nil {
			t.Errorf("%s %s is described and not served: take it out, or give it a route in runtime/api/route.go", op.method, op.path)
		} else if methods, err := m.Route.GetMethods(); err != nil || !slices.Contains(methods, op.method) {
			t.Errorf("%s %s is described, and its path does not take it", op.method, op.path)
		}
	}
	n := 0
	err := routes.Walk(func(r *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := r.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := r.GetMethods()
		if err != nil {
			return nil // it answers that the path does not take the method
		}
		for _, m := range methods {
			if n++; m != http.MethodHead && !described[m+" "+path] {
				t.Errorf("%s %s is served and not described: give its route an operation (see runtime/api/describe.go)", m, path)
			}
		}
		return nil
	})
	if err != nil || n < 30 {
		t.Errorf("%d routes, %v", n, err)
	}
}

// TestParametersAreRead: a value that a parameter's description does not allow is refused, by a detail that
// names it. So whatever is described with bounds is read. What is not described is refused everywhere.
func TestParametersAreRead(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "order", "?id=id&wait=10s", "{}")
	// What they need beside them, and what they may be of which nothing is wrong.
	together := map[string]string{"on_duplicate": "dedup=a", "quiet": "debounce=a", "max_wait": "debounce=a&quiet=1s", "partition": "queue=one"}
	beside := map[string]string{"forkRun": "&step=0"}
	checked := 0
	for _, op := range s.contract.operations() {
		if strings.Contains(op.id, "_") {
			continue
		}
		path := strings.NewReplacer("/workflows/{name}", "/workflows/echo", "/queues/{name}", "/queues/one", "/schedules/{name}", "/schedules/yearly",
			"{", "", "}", "").Replace(op.path)
		if a := s.do(t, op.method, path+"?n%6Fne=1", "1"); a.status != http.StatusBadRequest || !strings.Contains(a.get(t, "detail"), `unknown parameter "none"`) {
			t.Errorf("%s with a parameter it does not know: %d %s", op.id, a.status, a.body)
		}
		params, _ := op.item["parameters"].([]any)
		for i, p := range params {
			m := p.(map[string]any)
			name := m["name"].(string)
			if m["in"] != "query" {
				continue
			}
			bad := "%01%20bad"
			key := name
			var value any = "\x01 bad"
			if name == "labels" {
				key, value = "label.%20", map[string]any{"label. ": ""}
			}
			if s.contract.fits(value, "paths", op.path, strings.ToLower(op.method), "parameters", strconv.Itoa(i), "schema") == nil {
				continue // any text will do
			}
			checked++
			a := s.do(t, op.method, path+"?"+key+"="+bad+"&"+together[name]+beside[op.id], "1")
			named := strings.Contains(a.body, strings.TrimSuffix(name, "s")) || name == "dedup" || name == "debounce"
			if a.status/100 != 4 || !named {
				t.Errorf("%s: %s=%s: %d %s, want a refusal that names it", op.id, name, bad, a.status, a.body)
			}
		}
	}
	if checked < 25 {
		t.Errorf("%d parameters were checked", checked)
	}
}

// TestHeadersAreDescribed: a header that this package reads is one that an operation names, or one of the few
// that every call may have.
func TestHeadersAreDescribed(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	known := map[string]bool{"Content-Type": true, "Idempotency-Key": false}
	for _, op := range s.contract.operations() {
		params, _ := op.item["parameters"].([]any)
		for _, p := range params {
			if m := p.(map[string]any); m["in"] == "header" {
				known[http.CanonicalHeaderKey(m["name"].(string))] = true
			}
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Get" && sel.Sel.Name != "Values" {
				return true
			}
			if of, ok := sel.X.(*ast.SelectorExpr); !ok || of.Sel.Name != "Header" {
				return true
			}
			name := "Idempotency-Key" // by its constant
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				name, _ = strconv.Unquote(lit.Value)
			}
			if read++; !known[http.CanonicalHeaderKey(name)] {
				t.Errorf("%s reads the header %s, which no operation describes: add it to headers", file, name)
			}
			return true
		})
	}
	if read < 4 {
		t.Errorf("%d reads of headers were found", read)
	}
}

// TestDescriptionHasWorkflows: each workflow's start is described with the types of its own.
func TestDescriptionHasWorkflows(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	a := s.do(t, "GET", "/v1/openapi.json", "")
	tag := a.header.Get("ETag")
	if again := s.do(t, "GET", "/v1/openapi.json", "", "If-None-Match", "W/"+tag); again.status != http.StatusNotModified || again.body != "" || again.header.Get("ETag") != tag {
		t.Errorf("asked again: %d %.100s", again.status, again.body)
	}
	if other := s.do(t, "GET", "/v1/openapi.json", "", "If-None-Match", `"x"`); other.status != http.StatusOK || other.body != a.body {
		t.Errorf("asked with another tag: %d", other.status)
	}
	var doc struct {
		Paths      map[string]any
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Paths["/v1/workflows/order/runs"] == nil || !strings.Contains(fmt.Sprint(doc.Components.Schemas["input.order"]), "count") ||
		fmt.Sprint(doc.Components.Schemas["output.order"]) != "map[type:integer]" {
		t.Errorf("order: %v %v", doc.Components.Schemas["input.order"], doc.Components.Schemas["output.order"])
	}
}

// TestDescriptionBelowAPrefix: the paths are below where the API is served.
func TestDescriptionBelowAPrefix(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	for prefix, want := range map[string]string{"": "/", "/in/stepwell": "/in/stepwell"} {
		w := httptest.NewRecorder()
		api.New(s.rt, api.Config{Prefix: prefix}).ServeHTTP(w, httptest.NewRequest("GET", prefix+"/v1/openapi.json", nil))
		var doc struct{ Servers []struct{ URL string } }
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || len(doc.Servers) != 1 || doc.Servers[0].URL != want {
			t.Errorf("below %q: %+v, %v, want %q", prefix, doc, err, want)
		}
	}
}

// TestContractCatches shows that the contract can be broken, and is then.
func TestContractCatches(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	problem := func(status int, code string) string {
		return fmt.Sprintf(`{"type":"about:blank","title":"t","status":%d,"detail":"d","code":%q}`, status, code)
	}
	const run = `{"id":"a","workflow":"w","status":"queued","priority":0,"attempt":0`
	for _, c := range []struct {
		name, method, path, sent string
		status                   int
		media, body              string
		headers                  []string
		want                     string // part of the error; empty: it fits
	}{
		{"a run", "GET", "/v1/runs/a", "", 200, "application/json", run + "}", nil, ""},
		{"an undescribed field", "GET", "/v1/runs/a", "", 200, "application/json", run + `,"shoe_size":44}`, nil, "shoe_size"},
		{"a missing field", "GET", "/v1/runs/a", "", 200, "application/json", `{"id":"a"}`, nil, "missing"},
		{"a wrong type", "GET", "/v1/runs/a", "", 200, "application/json", run + `,"version":1}`, nil, "version"},
		{"an unknown status of a run", "GET", "/v1/runs/a", "", 200, "application/json", strings.Replace(run, "queued", "lost", 1) + "}", nil, "/status"},
		{"a time without microseconds", "GET", "/v1/runs/a", "", 200, "application/json", run + `,"created_at":"2026-01-31T12:00:00Z"}`, nil, "created_at"},
		{"an undescribed status", "GET", "/v1/runs/a", "", 206, "application/json", run + "}", nil, "status 206 is not described"},
		{"an undescribed content type", "GET", "/v1/runs/a", "", 200, "text/html", run + "}", nil, `content type "text/html"`},
		{"an undescribed header", "GET", "/v1/runs/a", "", 200, "application/json", run + "}", []string{"X-Mood", "bright"}, "X-Mood"},
		{"a missing header", "POST", "/v1/workflows/echo/runs", "1", 202, "application/json", run + "}", nil, "Location"},
		{"an undescribed body", "DELETE", "/v1/runs/a", "", 204, "application/json", "{}", nil, "there is a body"},
		{"a problem", "GET", "/v1/runs/a", "", 404, "application/problem+json", problem(404, "not_found"), nil, ""},
		{"an undescribed code", "GET", "/v1/runs/a", "", 404, "application/problem+json", problem(404, "not_set"), nil, "/code"},
		{"a status that is another", "GET", "/v1/runs/a", "", 404, "application/problem+json", problem(400, "not_found"), nil, "/status"},
		{"an undescribed path", "GET", "/v1/shoes", "", 200, "application/json", "{}", nil, "is answered (200) and not described"},
		{"no path", "GET", "/v1/shoes", "", 404, "application/problem+json", problem(404, "not_found"), nil, ""},
		{"an undescribed method", "PUT", "/v1/runs/a", "", 200, "application/json", "{}", nil, "is answered (200) and not described"},
		{"an undescribed parameter", "GET", "/v1/runs/a?x=1", "", 200, "application/json", run + "}", nil, "parameter x is not described"},
		{"a parameter of another kind", "GET", "/v1/runs?limit=many", "", 200, "application/json", `{"runs":[]}`, []string{"Stepwell-Position", "x"}, "limit"},
		{"a parameter out of bounds", "GET", "/v1/runs?limit=1001", "", 200, "application/json", `{"runs":[]}`, []string{"Stepwell-Position", "x"}, "limit"},
		{"null for a list", "GET", "/v1/runs", "", 200, "application/json", `{"runs":null}`, []string{"Stepwell-Position", "x"}, "/runs"},
		{"a body of another kind", "POST", "/v1/runs:cancel", `{"shoes":1}`, 200, "application/json", `{"matched":0,"changed":0,"skipped":0,"dry_run":false}`, nil, "shoes"},
		{"an input of another kind", "POST", "/v1/workflows/order/runs", `{"count":"x"}`, 202, "application/json", run + "}", []string{"Location", "/v1/runs/a"}, "count"},
		{"an output of another kind", "POST", "/v1/workflows/order/runs", `{}`, 200, "application/json", run + `,"output":"x"}`, []string{"Location", "/v1/runs/a"}, "output"},
		{"a stream", "GET", "/v1/runs/a/streams/s", "", 200, "text/event-stream", "id: 0\ndata: 1\n\n: still\n\nevent: end\ndata: {\"status\":\"failed\"}\n\n", nil, ""},
		{"an undescribed event", "GET", "/v1/runs/a/streams/s", "", 200, "text/event-stream", "event: pause\ndata: 1\n\n", nil, `event "pause" is not described`},
		{"an event without an id", "GET", "/v1/runs/a/streams/s", "", 200, "text/event-stream", "data: 1\n\n", nil, "has id"},
		{"an event of another kind", "GET", "/v1/runs/a/streams/s", "", 200, "text/event-stream", "event: end\ndata: {\"status\":1}\n\n", nil, "/status"},
	} {
		text, err := json.Marshal(s.contract.doc)
		if err != nil {
			t.Fatal(err)
		}
		own, err := contractOf(string(text) + " ") // what is seen here is no proof of anything
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(c.method, s.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := answer{status: c.status, header: http.Header{"Content-Type": {c.media}}, body: c.body}
		if c.method == "GET" && c.status == 200 && c.media != "text/event-stream" {
			a.header.Set("ETag", `"x"`)
		}
		for i := 0; i < len(c.headers); i += 2 {
			a.header.Set(c.headers[i], c.headers[i+1])
		}
		err = own.check(req, c.sent, a)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
}
