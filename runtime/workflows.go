package runtime

import (
	"reflect"
	"slices"
	"strings"
)

// WorkflowInfo describes a registered workflow.
type WorkflowInfo struct {
	Name    string `json:"name" jsonschema:"its name"`
	Queue   string `json:"queue,omitempty" jsonschema:"the queue of its runs"`
	Version string `json:"version" jsonschema:"the version its runs are started under"`
}

// Workflows lists the registered workflows by name.
func (rt *Runtime) Workflows() []WorkflowInfo {
	infos := make([]WorkflowInfo, 0, len(rt.reg.workflows))
	for _, d := range rt.reg.workflows {
		infos = append(infos, WorkflowInfo{Name: d.name, Queue: d.queue, Version: rt.cfg.Version})
	}
	slices.SortFunc(infos, func(a, b WorkflowInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos
}

// InputType returns the Go type of a workflow's input, and OutputType that of its
// output. ok is false for a workflow that is not registered, and where the
// [Config.Codec] does not write JSON: then the type does not tell what is sent.
func (rt *Runtime) InputType(workflow string) (t reflect.Type, ok bool) {
	if d := rt.reg.workflows[workflow]; d != nil && writesJSON(rt.cfg.Codec) {
		return d.input, true
	}
	return nil, false
}

// OutputType: see [Runtime.InputType].
func (rt *Runtime) OutputType(workflow string) (t reflect.Type, ok bool) {
	if d := rt.reg.workflows[workflow]; d != nil && writesJSON(rt.cfg.Codec) {
		return d.output, true
	}
	return nil, false
}

// writesJSON tells whether a codec is [JSON], or hides it.
func writesJSON(c Codec) bool {
	switch c := c.(type) {
	case JSON, *JSON:
		return true
	case plainCodec:
		return writesJSON(c.Codec)
	case *EncryptedCodec:
		return writesJSON(c.inner)
	}
	return false
}
