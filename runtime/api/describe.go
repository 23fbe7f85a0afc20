package api

import (
	"net/http"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// operation is what GET /v1/openapi.json says of a route. It is also what the route checks: a query parameter
// that it does not name is refused.
type operation struct {
	id, tag string
	summary string // a few words
	text    string
	query   []param
	headers []param
	body    *body
	replies []reply
	// codes are those of the problems it answers, besides what depth and body bring with them.
	codes []string
	depth depth
}

// depth says how far into the engine a call goes, and so what can go wrong.
type depth int

const (
	surface depth = iota // it asks nothing of the store
	reading
	writing
)

// param is a parameter of a call. A query parameter whose name ends in "." stands for all that begin with it.
type param struct {
	name, text string
	schema     *jsonschema.Schema
	repeatable bool
	required   bool
	example    any
}

// names returns those of parameters.
func names(params []param) []string {
	list := make([]string, len(params))
	for i, p := range params {
		list[i] = p.name
	}
	return list
}

// body is what a call is sent.
type body struct {
	text     string
	schema   *jsonschema.Schema
	required bool
	example  any
}

// reply is an answer that is no problem.
type reply struct {
	status  int
	text    string
	of      reflect.Type // of the JSON; nil: there is no body, or a stream of events
	example any
	headers map[string]string // what they say, by name
	events  []event
}

// event is one kind of what a text/event-stream carries.
type event struct {
	name    string // empty: it has no event field
	text    string
	id      string // what its id is; empty: it has none
	of      reflect.Type
	example any
}

// location is the header of what was created.
var location = map[string]string{"Location": "the path of the run"}

// runReply answers a run.
func runReply(status int, text string) reply {
	return reply{status: status, text: text, of: reflect.TypeFor[runJSON](), example: exampleRun}
}

// emptyReply has no body.
var emptyReply = reply{status: http.StatusNoContent, text: "done"}
