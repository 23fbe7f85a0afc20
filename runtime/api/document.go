package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

const about = `Stepwell executes durable workflows: start runs, look at them, cancel and resume them.

Errors are application/problem+json (RFC 9457): the detail says what is allowed, the code tells apart what shares a status. ` +
	`A parameter that a call does not know is refused. Whatever answers GET answers HEAD, without the body. ` +
	`Times are RFC 3339 in UTC with microseconds. A stored value that is not JSON (a codec of the program's own wrote it) is a string in base64.

A start that was answered is durable. One that was not may or may not have happened: repeat it with the same Idempotency-Key, and there is one run.`

var tags = []any{
	map[string]any{"name": "workflows", "description": "What can be run, and starting it."},
	map[string]any{"name": "runs", "description": "Executions of workflows."},
	map[string]any{"name": "messages", "description": "Messages, updates, events and streams of runs."},
	map[string]any{"name": "queues", "description": "Lines in which runs wait for a place."},
	map[string]any{"name": "schedules", "description": "What starts runs at given times."},
	map[string]any{"name": "server", "description": "The server itself."},
}

// object is a JSON object of the document.
type object = map[string]any

// anyObject is the type of JSON objects of which no more is said.
var anyObject = reflect.TypeFor[object]()

// workflowTypes are the schemas of a workflow; nil where they are not known.
type workflowTypes struct {
	name          string
	input, output *jsonschema.Schema
}

// document returns the description of routes, which are below a prefix, and workflows: OpenAPI 3.1.
func document(prefix string, routes []route, workflows []workflowTypes) (object, error) {
	d := &documenter{schemas: object{}, responses: object{}}
	for _, c := range components {
		s, err := describer(c.of).Written(c.of)
		if err != nil {
			return nil, err
		}
		s.Description = c.text
		d.schemas[c.name] = s
	}
	paths := map[string]object{}
	add := func(r route, shown string, item object) {
		if paths[shown] == nil {
			paths[shown] = object{}
		}
		paths[shown][strings.ToLower(r.method)] = item
	}
	for _, r := range routes {
		item, err := d.operation(r)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		add(r, r.path, item)
		if r.op.id != startOp.id {
			continue
		}
		for _, w := range workflows {
			item, err := d.startOf(r, w)
			if err != nil {
				return nil, fmt.Errorf("workflow %s: %w", w.name, err)
			}
			add(r, strings.Replace(r.path, "{name}", w.name, 1), item)
		}
	}
	return object{
		"openapi":  "3.1.0",
		"info":     object{"title": "Stepwell", "version": "1", "description": about, "license": object{"name": "MIT", "identifier": "MIT"}},
		"servers":  []any{object{"url": cmp.Or(prefix, "/")}},
		"tags":     tags,
		"security": []any{object{"token": []any{}}, object{"session": []any{}}, object{}}, // without tokens, on loopback, none is asked for
		"paths":    paths,
		"components": object{
			"schemas": d.schemas, "responses": d.responses,
			"securitySchemes": object{
				"token": object{"type": "http", "scheme": "bearer",
					"description": "A token of the role viewer reads, one of the role admin changes things too. STEPWELL_TOKENS holds them."},
				"session": object{"type": "apiKey", "in": "cookie", "name": "stepwell", "description": "What a browser has after it logged in at /ui/."},
			},
		},
	}, nil
}

// documenter gathers what paths refer to.
type documenter struct{ schemas, responses object }

// operation returns what is said of a route.
func (d *documenter) operation(r route) (object, error) {
	if r.op.id == "" || r.op.summary == "" || len(r.op.replies) == 0 {
		return nil, fmt.Errorf("it is not described: give its operation an id, a summary and replies")
	}
	item := object{"operationId": r.op.id, "summary": r.op.summary, "tags": []string{r.op.tag}}
	if r.op.text != "" {
		item["description"] = r.op.text
	}
	if r.open {
		item["security"] = []any{}
	}
	variables, unknown := pathParamsOf(r.path)
	if unknown != "" {
		return nil, fmt.Errorf("nothing is said of %s: add it to pathParams", unknown)
	}
	var params []any
	for _, p := range variables {
		p.required = true
		params = append(params, parameter("path", p))
	}
	for _, p := range r.op.query {
		params = append(params, parameter("query", p))
	}
	for _, p := range r.op.headers {
		params = append(params, parameter("header", p))
	}
	if params != nil {
		item["parameters"] = params
	}
	if b := r.op.body; b != nil {
		item["requestBody"] = requestBody(b, b.schema)
	}
	responses := object{}
	for _, rep := range r.op.replies {
		response, err := d.reply(rep)
		if err != nil {
			return nil, err
		}
		responses[strconv.Itoa(rep.status)] = response
	}
	for status, codes := range statusesOf(codesOf(r)) {
		if status == 0 {
			return nil, fmt.Errorf("nothing is said of the problems %q: add them to kinds", codes)
		}
		responses[strconv.Itoa(status)] = d.problems(status, codes)
	}
	item["responses"] = responses
	return item, nil
}

func parameter(in string, p param) object {
	v := object{"name": p.name, "in": in, "description": p.text, "schema": p.schema, "example": p.example}
	if p.required {
		v["required"] = true
	}
	if strings.HasSuffix(p.name, ".") {
		// Written out, the properties of such an object are parameters themselves.
		v["name"], v["style"], v["explode"] = strings.TrimSuffix(p.name, ".")+"s", "form", true
	}
	return v
}

func requestBody(b *body, schema any) object {
	return object{"description": b.text, "required": b.required, "content": object{"application/json": object{"schema": schema, "example": b.example}}}
}

// reply returns what is said of an answer.
func (d *documenter) reply(rep reply) (object, error) {
	v := object{"description": rep.text}
	if len(rep.headers) > 0 {
		headers := object{}
		for name, text := range rep.headers {
			headers[name] = object{"description": text, "schema": anyText}
		}
		v["headers"] = headers
	}
	switch {
	case rep.of != nil:
		s, err := describer(nil).Written(rep.of)
		if err != nil {
			return nil, err
		}
		v["content"] = object{"application/json": object{"schema": s, "example": rep.example}}
	case rep.events != nil:
		content, err := eventsOf(rep.events)
		if err != nil {
			return nil, err
		}
		v["content"] = object{"text/event-stream": content}
	}
	return v, nil
}

// eventsOf describes a stream: in words and by example, for OpenAPI 3.1 has no form for it, and in x-events for
// programs, among them our tests.
func eventsOf(events []event) (object, error) {
	var text, example strings.Builder
	var list []any
	for _, e := range events {
		s, err := describer(nil).Written(e.of)
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(e.example)
		if err != nil {
			return nil, err
		}
		v := object{"description": e.text, "data": s, "example": e.example}
		name := "without a name"
		if e.id != "" {
			fmt.Fprintf(&example, "id: %d\n", len(list))
			v["id"] = e.id
		}
		if e.name != "" {
			fmt.Fprintf(&example, "event: %s\n", e.name)
			v["event"] = e.name
			name = e.name
		}
		fmt.Fprintf(&example, "data: %s\n\n", data)
		fmt.Fprintf(&text, "Event %s: %s. ", name, e.text)
		list = append(list, v)
	}
	return object{
		"schema":  &jsonschema.Schema{Type: "string", Description: strings.TrimSpace(text.String())},
		"example": example.String(), "x-events": list,
	}, nil
}

// problems returns a reference to what is said of the problems of a status.
func (d *documenter) problems(status int, codes []string) object {
	name := strings.Join(append([]string{strconv.Itoa(status)}, codes...), ".")
	if _, ok := d.responses[name]; !ok {
		var text []string
		examples, enum := object{}, []any{}
		for _, c := range codes {
			text = append(text, fmt.Sprintf("%s: %s.", c, kinds[c].text))
			examples[c] = object{"value": exampleProblem(c)}
			enum = append(enum, c)
		}
		v := object{
			"description": strings.Join(text, " "),
			"content": object{"application/problem+json": object{
				"schema": &jsonschema.Schema{
					AllOf:      []*jsonschema.Schema{{Ref: componentRef + "Problem"}},
					Properties: map[string]*jsonschema.Schema{"code": {Enum: enum}, "status": {Const: new(any(status))}},
				},
				"examples": examples,
			}},
		}
		if status == http.StatusUnauthorized {
			v["headers"] = object{"WWW-Authenticate": object{"description": "Bearer", "schema": anyText}}
		}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || status == http.StatusInsufficientStorage {
			v["headers"] = object{"Retry-After": object{"description": "after how many seconds the same request may succeed", "schema": anyText}}
		}
		d.responses[name] = v
	}
	return object{"$ref": "#/components/responses/" + name}
}

// startOf is the start of one workflow, with the types of its input and output.
func (d *documenter) startOf(r route, w workflowTypes) (object, error) {
	item, err := d.operation(r)
	if err != nil {
		return nil, err
	}
	item["operationId"] = r.op.id + "_" + w.name
	item["summary"] = "Start a run of " + w.name
	item["parameters"] = slices.DeleteFunc(item["parameters"].([]any), func(p any) bool { return p.(object)["in"] == "path" })
	if w.input != nil {
		in := object{"description": "the input", "required": false, "content": object{"application/json": object{"schema": object{"$ref": componentRef + "input." + w.name}}}}
		item["requestBody"] = in
		if d.schemas["input."+w.name], err = moved(w.input, componentRef+"input."+w.name); err != nil {
			return nil, err
		}
	}
	if w.output != nil {
		if d.schemas["output."+w.name], err = moved(w.output, componentRef+"output."+w.name); err != nil {
			return nil, err
		}
		run := object{"allOf": []any{object{"$ref": componentRef + "Run"}, object{"type": "object", "properties": object{"output": object{"$ref": componentRef + "output." + w.name}}}}}
		ended := maps.Clone(item["responses"].(object)["200"].(object))
		ended["content"] = object{"application/json": object{"schema": run}}
		item["responses"].(object)["200"] = ended
	}
	return item, nil
}

// moved returns a schema that stands below a place of the document: what it refers to in itself is there.
func moved(s *jsonschema.Schema, place string) (any, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	if v == true {
		return object{}, nil
	}
	move(v, place)
	return v, nil
}

// move points references there, and writes out schemas that are true: not every program that reads OpenAPI takes
// those.
func move(v any, place string) {
	switch v := v.(type) {
	case object:
		for key, below := range v {
			if below == true && key != "uniqueItems" {
				v[key] = object{}
			}
			if ref, ok := below.(string); ok && key == "$ref" && strings.HasPrefix(ref, "#/$defs/") {
				v[key] = place + ref[1:]
			} else {
				move(below, place)
			}
		}
	case []any:
		for _, below := range v {
			move(below, place)
		}
	}
}
