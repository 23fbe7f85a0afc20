package app

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// schemaView is the part of a JSON Schema that an example is made from.
type schemaView struct {
	Type       oneOrMore              `json:"type"`
	Format     string                 `json:"format"`
	Properties map[string]*schemaView `json:"properties"`
	Order      []string               `json:"propertyOrder"`
	Required   []string               `json:"required"`
	Items      *schemaView            `json:"items"`
	Enum       []json.RawMessage      `json:"enum"`
	Default    json.RawMessage        `json:"default"`
	Examples   []json.RawMessage      `json:"examples"`
	Ref        string                 `json:"$ref"`
	Defs       map[string]*schemaView `json:"$defs"`
	any        bool
}

// oneOrMore reads a string or a list of them.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*o = make(oneOrMore, 1)
		return json.Unmarshal(b, &(*o)[0])
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// UnmarshalJSON takes the schemas true and false, too.
func (s *schemaView) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '{' {
		s.any = true
		return nil
	}
	type plain schemaView
	return json.Unmarshal(b, (*plain)(s))
}

// workflowView is a workflow as the API answers it.
type workflowView struct {
	Name    string          `json:"name"`
	Queue   string          `json:"queue"`
	Version string          `json:"version"`
	Input   json.RawMessage `json:"input_schema"`
}

// example is an input that fits the workflow's type; empty when the type is not
// known, or takes anything.
func (w *workflowView) example() string {
	var s schemaView
	if len(w.Input) == 0 || json.Unmarshal(w.Input, &s) != nil {
		return ""
	}
	var b strings.Builder
	if !s.write(&b, s.Defs, 0) {
		return ""
	}
	return b.String()
}

// deepest bounds an example of a type that holds itself.
const deepest = 5

// write writes a value that fits; false when anything would.
func (s *schemaView) write(b *strings.Builder, defs map[string]*schemaView, depth int) bool {
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok && defs[name] != nil && depth < deepest {
		return defs[name].write(b, defs, depth+1)
	}
	for _, given := range append(append([]json.RawMessage{s.Default}, s.Examples...), s.Enum...) {
		if json.Valid(given) {
			b.Write(given)
			return true
		}
	}
	kind := ""
	for _, t := range s.Type {
		if kind == "" || kind == "null" {
			kind = t
		}
	}
	if kind == "" && s.Properties != nil {
		kind = "object"
	}
	switch kind {
	case "object":
		s.writeObject(b, defs, depth)
	case "array":
		b.WriteByte('[')
		if s.Items != nil && depth < deepest {
			s.Items.write(b, defs, depth+1)
		}
		b.WriteByte(']')
	case "string":
		b.WriteString(map[string]string{"date-time": `"2026-01-31T12:00:00Z"`, "date": `"2026-01-31"`}[s.Format])
		if s.Format != "date-time" && s.Format != "date" {
			b.WriteString(`"text"`)
		}
	case "integer", "number":
		b.WriteByte('1')
	case "boolean":
		b.WriteString("true")
	default:
		b.WriteString("null")
		return false
	}
	return true
}

func (s *schemaView) writeObject(b *strings.Builder, defs map[string]*schemaView, depth int) {
	b.WriteByte('{')
	first := true
	for _, name := range s.names() {
		if depth >= deepest {
			break
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		key, _ := json.Marshal(name)
		b.Write(key)
		b.WriteByte(':')
		s.Properties[name].write(b, defs, depth+1)
	}
	b.WriteByte('}')
}

// names are those of the properties: as they are declared where the schema
// tells, else by name.
func (s *schemaView) names() []string {
	var names []string
	for _, n := range s.Order {
		if s.Properties[n] != nil {
			names = append(names, n)
		}
	}
	if len(names) == len(s.Properties) {
		return names
	}
	return sortedKeys(s.Properties)
}

// inputExample is the command line with an input that fits.
func (r *request) inputExample(ctx context.Context, c *cobra.Command, workflow string) string {
	for _, w := range r.workflows(ctx) {
		if w.Name != workflow {
			continue
		}
		if ex := w.example(); ex != "" {
			return commandLine(c.CommandPath(), []string{workflow, ex})
		}
	}
	return ""
}

// quoted is an argument as a shell reads it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// workflows asks for the workflows; an error gives none.
func (r *request) workflows(ctx context.Context) []workflowView {
	var list struct{ Workflows []workflowView }
	data, err := r.call(ctx, http.MethodGet, "/v1/workflows", nil, nil)
	if err != nil || r.decode(data, &list) != nil {
		return nil
	}
	return list.Workflows
}
