package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is what GET /v1/openapi.json says. Every request of this package's tests and its answer are held to it.
type contract struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	paths    []describedPath // those without variables first

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
	seen     map[string]bool // what the tests came by: replies, and parameters that were accepted
}

type describedPath struct {
	template string
	pattern  *regexp.Regexp
}

// contracts are kept by their text: most servers of the tests have the same.
var contracts struct {
	sync.Mutex
	of map[string]*contract
}

func contractOf(text string) (*contract, error) {
	contracts.Lock()
	defer contracts.Unlock()
	if c := contracts.of[text]; c != nil {
		return c, nil
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := &contract{compiled: map[string]*jsonschema.Schema{}, seen: map[string]bool{}, compiler: jsonschema.NewCompiler()}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("mem:openapi", v); err != nil {
		return nil, err
	}
	c.doc = v.(map[string]any)
	for template := range c.doc["paths"].(map[string]any) {
		p := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), "[^/]+")
		c.paths = append(c.paths, describedPath{template, regexp.MustCompile("^" + p + "$")})
	}
	slices.SortFunc(c.paths, func(a, b describedPath) int { return strings.Count(a.template, "{") - strings.Count(b.template, "{") })
	if contracts.of == nil {
		contracts.of = map[string]*contract{}
	}
	contracts.of[text] = c
	return c, nil
}

// pointer names a place in the document.
func pointer(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	return b.String()
}

// at returns what is at a place, and where it really is when there is a reference.
func (c *contract) at(place ...string) (any, []string) {
	var v any = c.doc
	for i, p := range place {
		switch at := v.(type) {
		case map[string]any:
			v = at[p]
		case []any:
			n, _ := strconv.Atoi(p)
			v = at[n]
		default:
			return nil, place
		}
		if m, ok := v.(map[string]any); ok && i < len(place) {
			if ref, ok := m["$ref"].(string); ok && strings.HasPrefix(ref, "#/components/responses/") {
				return c.at(append(strings.Split(ref[2:], "/"), place[i+1:]...)...)
			}
		}
	}
	return v, place
}

// fits checks a value against the schema at a place.
func (c *contract) fits(v any, place ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	where := pointer(place...)
	s := c.compiled[where]
	if s == nil {
		var err error
		if s, err = c.compiler.Compile("mem:openapi#" + (&url.URL{Fragment: where}).EscapedFragment()); err != nil {
			return err
		}
		c.compiled[where] = s
	}
	return s.Validate(v)
}

func (c *contract) saw(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[what] = true
}

// find returns the described path of a request; empty when there is none.
func (c *contract) find(path string) string {
	for _, p := range c.paths {
		if p.pattern.MatchString(path) {
			return p.template
		}
	}
	return ""
}

const mend = "say so in the operation beside the handler (see runtime/api/describe.go), or mend the handler"

// check holds a request and its answer to the contract.
func (c *contract) check(req *http.Request, sent string, a answer) error {
	o, place, err := c.answered(req, a)
	if err != nil || o == nil || a.status >= 400 {
		return err
	}
	id, _, _ := strings.Cut(o["operationId"].(string), "_") // the start of one workflow is a start
	c.saw(id + " " + strconv.Itoa(a.status))
	if err := c.request(id, o, place, req, sent); err != nil {
		return fmt.Errorf("%s: it was accepted, and the description does not allow it: %w; %s", id, err, mend)
	}
	return nil
}

// answered holds an answer to the contract, and returns the operation and its place.
func (c *contract) answered(req *http.Request, a answer) (o map[string]any, place []string, err error) {
	path := c.find(req.URL.Path)
	method := req.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	place = []string{"paths", path, strings.ToLower(method)}
	op, _ := c.at(place...)
	switch {
	case path == "" && a.status == http.StatusNotFound, op == nil && a.status == http.StatusMethodNotAllowed:
		return nil, nil, c.body(a, "Problem")
	case op == nil:
		return nil, nil, fmt.Errorf("%s %s is answered (%d) and not described; %s", method, req.URL.Path, a.status, mend)
	}
	o = op.(map[string]any)
	id := o["operationId"].(string)
	response, where := c.at(append(place, "responses", strconv.Itoa(a.status))...)
	if response == nil {
		return nil, nil, fmt.Errorf("%s: status %d is not described; %s", id, a.status, mend)
	}
	if err := c.answer(response.(map[string]any), where, req, a); err != nil {
		return nil, nil, fmt.Errorf("%s: answer %d: %w; %s", id, a.status, err, mend)
	}
	return o, place, nil
}

// answer checks headers and body.
func (c *contract) answer(response map[string]any, where []string, req *http.Request, a answer) error {
	headers, _ := response["headers"].(map[string]any)
	for name := range a.header {
		switch name {
		case "Cache-Control", "Connection", "Content-Length", "Content-Type", "Date", "X-Content-Type-Options", "X-Accel-Buffering":
		// What the gate tells browsers.
		case "Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy", "Referrer-Policy", "X-Frame-Options":
		default:
			if headers[name] == nil && !slices.ContainsFunc(slices.Collect(keys(headers)), func(h string) bool { return http.CanonicalHeaderKey(h) == name }) {
				return fmt.Errorf("header %s is not described", name)
			}
		}
	}
	for name := range headers {
		if a.header.Get(name) == "" {
			return fmt.Errorf("header %s is described, and missing", name)
		}
	}
	content, _ := response["content"].(map[string]any)
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	if req.Method == http.MethodHead || content == nil {
		if a.body != "" {
			return fmt.Errorf("there is a body: %s", a.body)
		}
		return nil
	}
	if content[media] == nil {
		return fmt.Errorf("content type %q is not described", media)
	}
	where = append(slices.Clone(where), "content", media)
	if media == "text/event-stream" {
		return c.stream(a.body, where)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(a.body))
	if err != nil {
		return err
	}
	return c.fits(v, append(where, "schema")...)
}

func keys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (c *contract) body(a answer, component string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(a.body))
	if a.body == "" || err != nil {
		return err // of HEAD
	}
	return c.fits(v, "components", "schemas", component)
}

// stream checks server-sent events.
func (c *contract) stream(text string, where []string) error {
	list, _ := c.at(append(where, "x-events")...)
	events := list.([]any)
	for block := range strings.SplitSeq(text, "\n\n") {
		var id, name, data string
		var isData bool
		for line := range strings.SplitSeq(block, "\n") {
			field, value, _ := strings.Cut(line, ": ")
			switch field {
			case "id":
				id = value
			case "event":
				name = value
			case "data":
				data, isData = value, true
			case "", "retry": // a comment, or how soon to connect again
			default:
				return fmt.Errorf("line %q of a stream", line)
			}
		}
		if !isData {
			continue
		}
		i := slices.IndexFunc(events, func(e any) bool { n, _ := e.(map[string]any)["event"].(string); return n == name })
		if i < 0 {
			return fmt.Errorf("event %q is not described", name)
		}
		if hasID := events[i].(map[string]any)["id"] != nil; hasID != (id != "") {
			return fmt.Errorf("event %q has id %q, and is described as having one: %v", name, id, hasID)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
		if err != nil {
			return fmt.Errorf("event %q: %w", name, err)
		}
		if err := c.fits(v, append(slices.Clone(where), "x-events", strconv.Itoa(i), "data")...); err != nil {
			return fmt.Errorf("event %q: %w", name, err)
		}
	}
	return nil
}

// request checks what was accepted.
func (c *contract) request(id string, op map[string]any, place []string, req *http.Request, sent string) error {
	params, _ := op["parameters"].([]any)
	known := map[string]bool{}
	labels := map[string]any{}
	q := req.URL.Query()
	for i, p := range params {
		m := p.(map[string]any)
		name := m["name"].(string)
		var v any
		switch m["in"] {
		case "header":
			if req.Header.Get(name) == "" {
				continue
			}
			v = req.Header.Get(name)
		case "query":
			known[name] = true
			if name == "labels" {
				for key := range q {
					if strings.HasPrefix(key, "label.") {
						labels[key] = q.Get(key)
						known[key] = true
					}
				}
				if v = labels; len(labels) == 0 {
					continue
				}
			} else if !q.Has(name) {
				continue
			} else {
				v = scalar(m["schema"].(map[string]any), q[name])
			}
		default:
			continue
		}
		if err := c.fits(v, append(slices.Clone(place), "parameters", strconv.Itoa(i), "schema")...); err != nil {
			return fmt.Errorf("%s %s: %w", m["in"], name, err)
		}
		c.saw(fmt.Sprintf("%s %s %s", id, m["in"], name))
	}
	for key := range q {
		if !known[key] {
			return fmt.Errorf("parameter %s is not described", key)
		}
	}
	body, _ := op["requestBody"].(map[string]any)
	switch {
	case sent == "" && body["required"] == true:
		return errors.New("there is no body")
	case sent == "":
		return nil
	case body == nil:
		return errors.New("there is a body")
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(sent))
	if err != nil {
		return err
	}
	c.saw(id + " body")
	return c.fits(v, append(slices.Clone(place), "requestBody", "content", "application/json", "schema")...)
}

// scalar is the value of a parameter, as its schema has it.
func scalar(schema map[string]any, values []string) any {
	switch schema["type"] {
	case "integer":
		return json.Number(values[0])
	case "boolean":
		if b, err := strconv.ParseBool(values[0]); err == nil {
			return b
		}
	case "array":
		var list []any
		for _, v := range values {
			for part := range strings.SplitSeq(v, ",") {
				list = append(list, part)
			}
		}
		return list
	}
	return values[0]
}
