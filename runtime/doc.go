// Package runtime runs workflows: ordinary Go functions whose steps are
// checkpointed, so that a run goes on after a crash where it was.
//
//	var Checkout = runtime.Define("checkout", checkout)
//
//	func checkout(ctx context.Context, o Order) (Receipt, error) {
//		pay, err := runtime.Step(ctx, "charge", func(ctx context.Context) (Payment, error) {
//			return gateway.Charge(ctx, o)
//		}, runtime.Retry{Max: 5})
//		...
//	}
//
// # What a workflow may do
//
// The workflow function itself is replayed: after a crash or a long wait it
// runs again from its first line, and every [Step], [Sleep], [Now] and so on
// that it had passed returns what it returned then. So everything that touches
// the world, or differs from one execution to the next, belongs into a step;
// concurrency belongs into [Go] and [Map]. When the code asks for another step
// than the history holds, the run is parked as stuck, with both named.
//
// # What is durable
//
// A call that returned is durable: Start, Step, Sleep, Cancel. A completed
// step never runs again. A step whose process died between its effect and its
// checkpoint runs again. An attempt that failed counts only once it was
// recorded.
//
// # The context
//
// The context carries everything: [Runtime.Context] puts the runtime into it,
// and inside a run it carries the run. Outside a run Step and Sleep call
// through, so a workflow function can be tested bare.
package runtime
