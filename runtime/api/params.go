package api

import (
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stepwell/stepwell/store"
)

// Schemas of what stands in paths, queries and headers.
var (
	anyText    = &jsonschema.Schema{Type: "string"}
	idSchema   = &jsonschema.Schema{Type: "string", Pattern: `^[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,199}$`}
	nameSchema = &jsonschema.Schema{Type: "string", Pattern: `^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`}

	durationSchema = &jsonschema.Schema{Type: "string", Pattern: `^(0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$`,
		Description: "a duration as Go writes it: 300ms, 90s, 1h30m"}
	momentSchema = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Format: "date-time"}, durationSchema}}
	statusSchema = &jsonschema.Schema{Type: "string", Enum: statusNames()}
)

func statusNames() (names []any) {
	for _, s := range store.Statuses() {
		names = append(names, s.String())
	}
	return names
}

// with returns a copy of a schema with a default.
func with(s *jsonschema.Schema, def string) *jsonschema.Schema {
	c := s.CloneSchemas()
	c.Default = []byte(def)
	return c
}

// whole is the schema of a whole number between bounds.
func whole(low, high float64) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "integer", Minimum: &low, Maximum: &high}
}

// waits says how long a call waits.
func waits(text, def string) param {
	return param{name: "wait", text: text + ", at most 60s", schema: with(durationSchema, `"`+def+`"`), example: "10s"}
}

// labelNames are the names that labels may have.
const labelNames = `[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$`

// pathParams describes the variables of paths by what stands before them.
var pathParams = map[string]param{
	"workflows/{name}": {name: "name", text: "the name of a workflow", schema: nameSchema, example: "checkout"},
	"runs/{id}":        {name: "id", text: "the id of a run", schema: idSchema, example: "order-17"},
	"queues/{name}":    {name: "name", text: "the name of a queue", schema: nameSchema, example: "emails"},
	"schedules/{name}": {name: "name", text: "the name of a schedule", schema: nameSchema, example: "nightly"},
	"messages/{topic}": {name: "topic", text: "the topic that the run receives from", schema: nameSchema, example: "approved"},
	"updates/{name}":   {name: "name", text: "the name that the run gave to OnUpdate", schema: nameSchema, example: "address"},
	"events/{key}":     {name: "key", text: "the key that the run gave to SetEvent", schema: nameSchema, example: "progress"},
	"streams/{name}":   {name: "name", text: "the name that the run gave to Write", schema: nameSchema, example: "log"},
}

// pathParamsOf returns those of a path, in their order; unknown names the first variable that nothing is said of.
func pathParamsOf(path string) (params []param, unknown string) {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			continue
		}
		p, ok := pathParams[parts[i-1]+"/"+part]
		if !ok {
			return nil, parts[i-1] + "/" + part
		}
		params = append(params, p)
	}
	return params, ""
}

// labelParam is the parameter of labels, one for each; names is what they may be called.
func labelParam(text, names string) param {
	return param{name: "label.", text: text, schema: &jsonschema.Schema{
		Type: "object", AdditionalProperties: anyText, PropertyNames: &jsonschema.Schema{Pattern: `^label\.` + names},
	}, example: map[string]string{"label.team": "red"}}
}

// Headers that calls heed.
var (
	idempotencyParam = param{name: idempotencyKey, text: "makes the call repeatable: with the same key it happens once. It may stand in double quotes.",
		schema: anyText, example: "order-17"}
	traceParam = param{name: "traceparent", text: "the W3C trace that the run is part of", schema: anyText,
		example: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
)
