package api

import (
	"net/http"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/internal/schema"
)

// workflowJSON is a workflow as clients see it.
type workflowJSON struct {
	runtime.WorkflowInfo
	// InputSchema and OutputSchema are left out where the program does not store JSON.
	InputSchema  *jsonschema.Schema `json:"input_schema,omitzero" jsonschema:"what it takes, as JSON Schema 2020-12; true is anything"`
	OutputSchema *jsonschema.Schema `json:"output_schema,omitzero" jsonschema:"what it gives, as JSON Schema 2020-12"`
}

type workflowsJSON struct {
	Workflows []workflowJSON `json:"workflows" jsonschema:"the workflows, by name"`
}

var workflowsOp = tagged(operation{
	id: "listWorkflows", tag: "workflows", summary: "The workflows of the program",
	replies: []reply{{status: http.StatusOK, text: "the workflows", of: reflect.TypeFor[workflowsJSON](), example: workflowsJSON{[]workflowJSON{{
		WorkflowInfo: runtime.WorkflowInfo{Name: "checkout", Queue: "orders", Version: "v1"},
		InputSchema:  &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{"item": {Type: "string"}}}, OutputSchema: &jsonschema.Schema{Type: "integer"},
	}}}}},
})

func (a *api) workflows(w http.ResponseWriter, r *http.Request) error {
	list := []workflowJSON{}
	for _, info := range a.rt.Workflows() {
		v := workflowJSON{WorkflowInfo: info}
		v.InputSchema = schemaOf(a.rt.InputType, schema.Of, info.Name)
		v.OutputSchema = schemaOf(a.rt.OutputType, schema.Written, info.Name)
		list = append(list, v)
	}
	return answerRead(w, r, workflowsJSON{list})
}

// types returns the schemas of all workflows.
func (a *api) types() (all []workflowTypes) {
	for _, info := range a.rt.Workflows() {
		all = append(all, workflowTypes{info.Name, schemaOf(a.rt.InputType, schema.Of, info.Name), schemaOf(a.rt.OutputType, schema.Written, info.Name)})
	}
	return all
}

// schemaOf returns the schema of what a workflow takes or gives; nil when that is not known.
func schemaOf(typeOf func(string) (reflect.Type, bool), of func(reflect.Type) (*jsonschema.Schema, error), workflow string) *jsonschema.Schema {
	t, ok := typeOf(workflow)
	if !ok {
		return nil
	}
	s, err := of(t)
	if err != nil {
		return nil // of a type there is one
	}
	return s
}
