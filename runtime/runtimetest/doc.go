// Package runtimetest runs workflows in tests: on a fresh database, in a bubble
// of package testing/synctest, so that a sleep of a month takes no time.
//
//	func TestCheckout(t *testing.T) {
//		runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
//			rt.CrashAfter("charge")
//			receipt, err := Checkout.Call(rt.Context(), order, runtime.ID("order-1"))
//			...
//			rt.WantSteps("order-1", "charge", "sleep", "ship")
//		}, Checkout)
//	}
//
// [Fake] puts a function in the place of a step. [Env.CrashAfter],
// [Env.CrashBefore] and [Env.Crash] kill the process, as far as the engine can
// tell: from then on nothing of it reaches the database, and another runtime
// recovers what is there. Contexts and handles go on to serve.
//
// [Replay] runs the present code over exported histories.
//
// What holds in a bubble holds here: t.Run, t.Parallel and the network are not
// to be used inside, and goroutines of the test must have ended at its end.
package runtimetest
