package runtime_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

// A history is exported, kept as a file beside the tests, and replayed against
// the code as it is now.
func ExampleReplay() {
	greet := func(first string) *runtime.Workflow[string, string] {
		return runtime.Define("greet", func(ctx context.Context, name string) (string, error) {
			return runtime.Step(ctx, first, func(context.Context) (string, error) { return "hello " + name, nil })
		})
	}
	var file []byte
	withRuntime(func(ctx context.Context) {
		w := greet("say hello")
		h, _ := w.Start(ctx, "ada", runtime.ID("greet-ada"))
		h.Result(ctx)
		past, _ := runtime.Export(ctx, "greet-ada")
		file, _ = json.Marshal(past)
	}, greet("say hello"))

	past, _ := runtime.ParseHistory(file)
	fmt.Println(runtime.Replay(context.Background(), past, greet("say hello")))
	fmt.Println(runtime.Replay(context.Background(), past, greet("say hi")))
	// Output:
	// <nil>
	// replay run greet-ada of greet: code does not match the history: at 0 the history has step "say hello", the code came with step "say hi"
}
