package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/stepwell/stepwell/runtime/internal/seam"
)

// Definition is a workflow, a queue, a schedule, a [Middleware] or a [Setup], to
// hand to [New].
type Definition interface{ register(*registry) error }

// Workflow is a definition: a name and a function. Safe for concurrent use.
type Workflow[In, Out any] struct{ def *definition }

// DefineOption changes a workflow's definition.
type DefineOption interface{ applyDefine(*definition) }

// Define names fn, so that its runs can be found again after a restart: the
// name is stored with each run and must not change while runs live. Hand the
// result to [New]. Define panics on a name that is not allowed, and without fn.
func Define[In, Out any](name string, fn func(context.Context, In) (Out, error), opts ...DefineOption) *Workflow[In, Out] {
	mustName("workflow", name)
	if fn == nil {
		panic(fmt.Sprintf("runtime: workflow %s has no function: fn is nil", name))
	}
	d := &definition{
		name:  name,
		input: reflect.TypeFor[In](), output: reflect.TypeFor[Out](),
		check: func(c Codec, input []byte) error { return c.Decode(input, new(In)) },
	}
	d.prepare = func(c Codec, input []byte) (_ call, err error) {
		defer catch(&err) // a panic in the user's UnmarshalJSON
		var in In
		if err := c.Decode(input, &in); err != nil {
			return nil, fmt.Errorf("decode input: %w", err)
		}
		return func(ctx context.Context) (_ []byte, err error) {
			defer catch(&err)
			out, err := fn(ctx, in)
			if err != nil {
				return nil, err
			}
			return c.Encode(out)
		}, nil
	}
	for _, o := range opts {
		o.applyDefine(d)
	}
	return &Workflow[In, Out]{d}
}

// Name returns the workflow's name.
func (w *Workflow[In, Out]) Name() string { return w.def.name }

func (w *Workflow[In, Out]) register(r *registry) error {
	if w.def == nil {
		return fmt.Errorf("%w: a workflow that Define has not made", ErrInvalid)
	}
	if old, ok := r.workflows[w.def.name]; ok && old != w.def {
		return fmt.Errorf("workflow %q is defined twice", w.def.name)
	}
	r.workflows[w.def.name] = w.def
	return nil
}

// definition is a workflow without its types.
type definition struct {
	name          string
	input, output reflect.Type
	// pinned: see [Pinned].
	pinned bool
	queue  string // default queue
	check  func(Codec, []byte) error
	// prepare decodes the input for one execution.
	prepare func(Codec, []byte) (call, error)
}

// call is a workflow function with its input: it returns the encoded output.
type call func(context.Context) ([]byte, error)

// registry holds what a runtime knows how to run.
type registry struct {
	workflows map[string]*definition
	queues    map[string]*Queue
	schedules map[string]*Schedule
	scheduled map[string]string // queue by schedule
	// of every Middleware, the outermost first
	runWrappers, stepWrappers []wrapper
	setups                    []setup

	hooks *seam.Hooks // of a test; nil otherwise
}

func newRegistry(defs []Definition) (*registry, error) {
	r := &registry{workflows: map[string]*definition{}, queues: map[string]*Queue{}, schedules: map[string]*Schedule{}, scheduled: map[string]string{}}
	for i, d := range defs {
		if isNil(d) {
			return nil, fmt.Errorf("%w: definition %d is nil", ErrInvalid, i+1)
		}
		if err := d.register(r); err != nil {
			return nil, err
		}
	}
	for _, w := range r.workflows {
		if _, ok := r.queues[w.queue]; w.queue != "" && !ok {
			return nil, fmt.Errorf("workflow %q uses queue %q, which is not among the definitions", w.name, w.queue)
		}
	}
	for name, q := range r.scheduled {
		if _, ok := r.queues[q]; !ok {
			return nil, fmt.Errorf("schedule %q uses queue %q, which is not among the definitions", name, q)
		}
	}
	return r, nil
}

// isNil holds for a nil pointer, or function, in a Definition, too.
func isNil(d Definition) bool {
	switch v := reflect.ValueOf(d); v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func:
		return v.IsNil()
	default:
		return false
	}
}

func (r *registry) workflow(name string) (*definition, error) {
	if d, ok := r.workflows[name]; ok {
		return d, nil
	}
	return nil, &unregisteredError{name, listed(r.workflows)}
}

// own returns the registered definition of d's name. It need not be d: the name
// is what counts, as long as both take and give the same.
func (r *registry) own(d *definition) (*definition, error) {
	reg, err := r.workflow(d.name)
	if err == nil && (reg.input != d.input || reg.output != d.output) {
		return nil, fmt.Errorf("%w: workflow %q is registered as one from %v to %v, this is another from %v to %v",
			ErrInvalid, d.name, reg.input, reg.output, d.input, d.output)
	}
	return reg, err
}

// errUnregistered: a workflow is not among the definitions. That is a mistake of
// who deployed, not of the run that came across it, so such a run is parked.
var errUnregistered = errors.New("workflow is not registered")

type unregisteredError struct{ name, registered string }

func (e *unregisteredError) Error() string {
	return fmt.Sprintf("workflow %q: %v; registered: %s", e.name, ErrNotFound, e.registered)
}

// isUnregistered does not hold for the recorded error of another run.
func isUnregistered(err error) bool {
	_, ok := errors.AsType[*unregisteredError](err)
	return ok
}

// Is makes it a special case of [ErrNotFound].
func (e *unregisteredError) Is(target error) bool {
	return target == ErrNotFound || target == errUnregistered
}

func (r *registry) queue(name string) error {
	if _, ok := r.queues[name]; !ok {
		return fmt.Errorf("queue %q: %w; registered: %s", name, ErrNotFound, listed(r.queues))
	}
	return nil
}

func listed[V any](m map[string]V) string {
	if len(m) == 0 {
		return "none"
	}
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
