// Package telemetry sends what happens in Stepwell to where OpenTelemetry
// collects it. It is the only importer of the OpenTelemetry SDK.
//
// # The checkpoint is the span
//
// Runs and steps make no spans in memory. The rows that the store commits hold
// what their spans need, and the ids of the spans follow from the run, the path
// and the attempt. A shipper reads the committed rows in commit order, exports
// them, and keeps its position in the store. So a trace never shows a step that
// the store lost, a collector that was away for an hour loses nothing, and one
// run is one trace over any number of crashes and processes.
//
// # What a crash leaves
//
// The position moves only after the collector took the spans. A crash between
// the two sends a page again: the same rows make the same spans, byte for byte,
// so a collector sees each id with one content only. Spans that user code makes
// inside a step go through the ordinary SDK, wait in memory, and can be lost.
//
// # Configuration
//
// The standard OTEL_* variables. Each signal is off unless its exporter or an
// endpoint is set; what is off has no exporter, no goroutine and no memory.
//
//	tel, err := telemetry.Start(ctx, telemetry.Config{Version: version, Executor: id})
//	...
//	err = tel.Ship(ctx, store)   // blocks; wake it with tel.Notify()
//	err = tel.Shutdown(deadline)
package telemetry
