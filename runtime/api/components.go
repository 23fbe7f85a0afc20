package api

import (
	"maps"
	"net/http"
	"reflect"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/internal/schema"
	"github.com/stepwell/stepwell/store"
)

// components are the types that have a name in the description of the API, and are referred to by it.
var components = []struct {
	name, text string
	of         reflect.Type
}{
	{"Run", "A run: one execution of a workflow. What is not there is left out.", reflect.TypeFor[runJSON]()},
	{"RunPage", "A page of runs.", reflect.TypeFor[pageJSON]()},
	{"Failure", "An error as it was recorded.", reflect.TypeFor[store.Failure]()},
	{"Step", "A step of a run. What is not there is left out.", reflect.TypeFor[stepJSON]()},
	{"Steps", "The steps of a run.", reflect.TypeFor[stepsJSON]()},
	{"Attempt", "An attempt of a step.", reflect.TypeFor[attemptJSON]()},
	{"History", "A run with all that is recorded of it, exported.", reflect.TypeFor[historyJSON]()},
	{"HistoryRun", "The run of a history. What is empty is left out.", reflect.TypeFor[historyRunJSON]()},
	{"HistoryRow", "A row of a history: an attempt of a step, or the opening of a wait.", reflect.TypeFor[historyRowJSON]()},
	{"Bulk", "What came of a bulk call.", reflect.TypeFor[bulkJSON]()},
	{"Message", "A message that was sent.", reflect.TypeFor[messageJSON]()},
	{"Update", "An update that was sent.", reflect.TypeFor[updateJSON]()},
	{"Event", "An event of a run.", reflect.TypeFor[eventJSON]()},
	{"Queue", "A queue as it stands.", reflect.TypeFor[queueInfoJSON]()},
	{"Queues", "All queues.", reflect.TypeFor[queuesJSON]()},
	{"QueueCount", "How many runs a queue holds.", reflect.TypeFor[queueJSON]()},
	{"Schedule", "A schedule as it stands. What is not there is left out.", reflect.TypeFor[scheduleJSON]()},
	{"Schedules", "All schedules.", reflect.TypeFor[schedulesJSON]()},
	{"Backfill", "What came of a backfill.", reflect.TypeFor[backfillJSON]()},
	{"Workflow", "A workflow of the program.", reflect.TypeFor[workflowJSON]()},
	{"Workflows", "All workflows.", reflect.TypeFor[workflowsJSON]()},
	{"Stats", "Counts of what is in the store.", reflect.TypeFor[statsJSON]()},
	{"Problem", "An error, as in RFC 9457.", reflect.TypeFor[problem]()},
}

const componentRef = "#/components/schemas/"

var (
	anyJSON    = &jsonschema.Schema{Description: "any JSON"}
	pathSchema = &jsonschema.Schema{Type: "string", Pattern: `^[0-9]+(\.[0-9]+)*$`}
)

// values are the types whose JSON is not to be seen from what they are in Go.
var values = map[reflect.Type]*jsonschema.Schema{
	reflect.TypeFor[stamp]():                 {Type: "string", Format: "date-time", Pattern: `\.[0-9]{6}Z$`},
	reflect.TypeFor[payload]():               anyJSON,
	reflect.TypeFor[moment]():                momentSchema,
	reflect.TypeFor[statuses]():              {AnyOf: []*jsonschema.Schema{statusSchema, {Type: "array", Items: statusSchema}}},
	reflect.TypeFor[store.Status]():          statusSchema,
	reflect.TypeFor[store.StepStatus]():      {Type: "string", Enum: []any{"waiting", "succeeded", "failed", "retrying", "cancelled"}},
	reflect.TypeFor[store.Kind]():            {Type: "string", Enum: kindNames()},
	reflect.TypeFor[store.Rate]():            {Type: "string", Pattern: `^([0-9]+/[0-9a-zµ.]+(\+[0-9]+)?)?$`},
	reflect.TypeFor[runtime.MissedPolicy]():  {Type: "string", Enum: []any{"one", "skip", "all"}},
	reflect.TypeFor[runtime.OverlapPolicy](): {Type: "string", Enum: []any{"allow", "skip", "queue", "cancel"}},
	reflect.TypeFor[updateStatus]():          {Type: "string", Enum: []any{string(answered), string(pending)}},
	reflect.TypeFor[jsonschema.Schema]():     {Types: []string{"object", "boolean"}},
}

func kindNames() (names []any) {
	for k := range store.Kind(255) {
		if s := k.String(); s != "unknown" {
			names = append(names, s)
		}
	}
	return names
}

// describer makes the schemas of what the API encodes: it has no null for lists and objects. except is not
// referred to but written out.
func describer(except reflect.Type) schema.Maker {
	types := maps.Clone(values)
	for _, c := range components {
		if c.of != except {
			types[c.of] = &jsonschema.Schema{Ref: componentRef + c.name}
		}
	}
	return schema.Maker{Types: types, Full: true}
}

// bodySchema returns the schema of a body that is decoded strictly.
func bodySchema[T any]() *jsonschema.Schema {
	s, err := schema.Maker{Types: values, Full: true}.Written(reflect.TypeFor[T]())
	if err != nil {
		panic(err) // of a type there is one
	}
	return s
}

// Examples.
var (
	exampleRun = runJSON{
		ID: "order-17", Workflow: "checkout", Status: store.Succeeded, Input: payload(`{"item":"tea","count":3}`), Output: payload(`"sent"`),
		Queue: "orders", Labels: map[string]string{"team": "red"}, Version: "v1", Attempt: 1,
		CreatedAt: exampleTime(0), StartedAt: exampleTime(1), EndedAt: exampleTime(5), Executor: "web-1", TraceID: "0af7651916cd43dd8448eb211c80319c",
	}
	exampleFork = runJSON{
		ID: "order-18", Workflow: "checkout", Status: store.Queued, Input: payload(`{"item":"tea","count":3}`),
		Queue: "orders", Version: "v1", ForkedFrom: "order-17", CreatedAt: exampleTime(60), TraceID: "0af7651916cd43dd8448eb211c80319d",
	}
)

// exampleTime is a time of an example.
func exampleTime(seconds int) stamp {
	return stamp{time.Date(2026, 1, 31, 12, 0, seconds, 0, time.UTC)}
}

// exampleProblem is a problem as it might be.
func exampleProblem(code string) problem {
	k := kinds[code]
	return problem{Type: "about:blank", Title: http.StatusText(k.status), Status: k.status, Detail: k.detail, Code: code}
}
