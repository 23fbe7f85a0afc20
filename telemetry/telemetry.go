package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/stepwell/stepwell/store"
)

// Config has useful zero values.
type Config struct {
	// Version of the program, for service.version.
	Version string
	// Executor names this process, for service.instance.id.
	Executor string
	// Log takes the complaints of exporters; nil means slog.Default() as it is
	// when Start is called. It should not lead back through LogHandler.
	Log *slog.Logger
}

// Telemetry is what Start set up. Its methods may be called from any number of
// goroutines.
type Telemetry struct {
	decide  sampler
	shipper *shipper // nil when tracing is off
	logs    otellog.LoggerProvider
	stops   []func(context.Context) error
}

// Start reads the OTEL_* variables and sets the global propagator and, for the
// signals that are on, the global providers. A wrong value gives an error that
// names the variable; then nothing was started.
func Start(ctx context.Context, cfg Config) (*Telemetry, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	env, err := readEnv()
	if err != nil {
		return nil, fmt.Errorf("start telemetry: %w", err)
	}
	otel.SetTextMapPropagator(env.propagator)
	t := new(Telemetry)
	if !env.traces && !env.metrics && !env.logs {
		return t, nil
	}
	complaints := newLimited(cfg.Log.Handler())
	otel.SetLogger(logr.FromSlogHandler(complaints))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		slog.New(complaints).Warn("telemetry is failing", "error", err)
	}))
	service, process, err := resources(ctx, cfg)
	if err == nil && env.traces {
		err = t.startTraces(ctx, env.sampler, service, process, cfg.Log)
	}
	if err == nil && env.metrics {
		err = t.startMetrics(ctx, process)
	}
	if err == nil && env.logs {
		err = t.startLogs(ctx, process)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start telemetry: %w", err), t.Shutdown(ctx))
	}
	return t, nil
}

func (t *Telemetry) startTraces(ctx context.Context, s sampler, service, process *resource.Resource, log *slog.Logger) error {
	// Two exporters: the shipper's is called by the shipper alone, and its
	// failures must reach nobody else.
	ours, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return traces.failed(err)
	}
	t.stops = append(t.stops, ours.Shutdown)
	users, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return traces.failed(err)
	}
	// A span inside a run follows the run's decision, whatever the sampler.
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(process), sdktrace.WithBatcher(users),
		sdktrace.WithSampler(sdktrace.ParentBased(s.root)))
	t.stops = append(t.stops, provider.Shutdown)
	otel.SetTracerProvider(provider)
	t.decide = s
	t.shipper = newShipper(ours, service, log)
	return nil
}

func (t *Telemetry) startMetrics(ctx context.Context, process *resource.Resource) error {
	reader, err := autoexport.NewMetricReader(ctx)
	if err != nil {
		return metrics.failed(err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithResource(process), sdkmetric.WithReader(reader))
	t.stops = append(t.stops, provider.Shutdown)
	otel.SetMeterProvider(provider)
	return nil
}

func (t *Telemetry) startLogs(ctx context.Context, process *resource.Resource) error {
	exporter, err := autoexport.NewLogExporter(ctx)
	if err != nil {
		return logs.failed(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(process), sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
	t.stops = append(t.stops, provider.Shutdown)
	otel.SetLoggerProvider(provider)
	t.logs = provider
	return nil
}

// Tracing reports whether spans are exported at all.
func (t *Telemetry) Tracing() bool { return t.shipper != nil }

// Sampler returns what decides, once and at its creation, whether a run is
// traced. remoteSampled is the decision of the caller whose trace the run
// continues, nil when the run begins its own. It costs no memory and never
// samples while tracing is off.
func (t *Telemetry) Sampler() func(traceID [16]byte, remoteSampled *bool) bool {
	return t.decide.sample
}

// Ship exports the spans of committed rows until ctx ends, and then, for at
// most two seconds, those that are left. It goes on from the position kept in
// the store, however long ago that was; a store that has none is read from its
// beginning. While the collector is away it tries again for ever, each time
// from the store: nothing waits in memory. While tracing is off it waits for
// ctx and does nothing.
//
// Call it once, and close the store only after it returned: with nil when ctx
// ended, or with the error of a store that can go on no more.
func (t *Telemetry) Ship(ctx context.Context, st store.Store) error {
	if t.shipper == nil {
		<-ctx.Done()
		return nil
	}
	return t.shipper.run(ctx, st)
}

// Notify tells Ship that something was committed. It does not block and costs
// a few nanoseconds.
func (t *Telemetry) Notify() {
	if t.shipper != nil {
		t.shipper.notify()
	}
}

// Status tells how far Ship has come. It waits for nothing.
func (t *Telemetry) Status() Status {
	if t.shipper == nil {
		return Status{}
	}
	return t.shipper.status()
}

// Shutdown sends what user spans, metrics and logs are still in memory, until
// ctx ends, and stops all exporters. Call it after Ship returned.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, len(t.stops))
	for i, stop := range t.stops {
		wg.Go(func() { errs[i] = stop(ctx) })
	}
	wg.Wait()
	t.stops = nil
	return errors.Join(errs...)
}
