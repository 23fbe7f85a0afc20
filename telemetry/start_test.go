package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/stepwell/stepwell/store"
)

// setEnv sets the OTEL_* variables to exactly these, given as NAME=value
// without the prefix.
func setEnv(t testing.TB, vars ...string) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for _, kv := range vars {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv("OTEL_"+name, value)
	}
}

// logBuffer may be read while it is written to.
type logBuffer struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// start starts telemetry with these variables and undoes it after the test.
func start(t testing.TB, cfg Config, vars ...string) *Telemetry {
	t.Helper()
	setEnv(t, vars...)
	if cfg.Log == nil {
		cfg.Log = quiet()
	}
	tel, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		tel.Shutdown(ctx) // a dead collector's complaint is no failure
		otel.SetTracerProvider(tracenoop.NewTracerProvider())
		otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator())
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
		otel.SetLogger(logr.Discard())
	})
	return tel
}

// goroutines counts those that have a stack to show. (NumGoroutine counts the
// one that runs finalizers too, while it does.)
func goroutines() int {
	buf := make([]byte, 4<<20)
	return strings.Count("\n"+string(buf[:goruntime.Stack(buf, true)]), "\ngoroutine ")
}

func TestOffCostsNothing(t *testing.T) {
	for _, vars := range [][]string{
		{},
		{"TRACES_EXPORTER=none", "METRICS_EXPORTER=none", "LOGS_EXPORTER=none", "EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"},
		{"SDK_DISABLED=true", "EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "TRACES_EXPORTER=nonsense"},
	} {
		before := goroutines()
		provider := otel.GetTracerProvider()
		tel := start(t, Config{}, vars...)
		if n := goroutines(); n > before {
			t.Errorf("%v: %d goroutines, before it %d", vars, n, before)
		}
		if otel.GetTracerProvider() != provider {
			t.Errorf("%v: the tracer provider was replaced", vars)
		}
		yes := true
		if tel.Tracing() || tel.Sampler()([16]byte{1}, nil) || tel.Sampler()([16]byte{1}, &yes) {
			t.Errorf("%v: traces", vars)
		}
		if n := testing.AllocsPerRun(100, func() { tel.Notify(); tel.Sampler()([16]byte{1}, nil); tel.Status() }); n > 0 {
			t.Errorf("%v: %v allocations", vars, n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := tel.Ship(ctx, nil); err != nil {
			t.Errorf("%v: ship: %v", vars, err)
		}
	}
}

func TestPropagatorIsW3CEvenWhenOff(t *testing.T) {
	start(t, Config{})
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := otel.GetTextMapPropagator().Extract(t.Context(), propagation.HeaderCarrier(http.Header{"Traceparent": {parent}}))
	out := propagation.HeaderCarrier{}
	otel.GetTextMapPropagator().Inject(ctx, out)
	if got := out.Get("traceparent"); got != parent {
		t.Errorf("traceparent %q came out as %q", parent, got)
	}
}

func TestUserSpansHangUnderTheStep(t *testing.T) {
	r := newReceiver(t)
	tel := start(t, Config{Version: "v9", Executor: "executor-7"}, "EXPORTER_OTLP_ENDPOINT="+r.url,
		"RESOURCE_ATTRIBUTES=deployment.environment.name=test,host.name=elsewhere", "TRACES_SAMPLER=parentbased_always_off")
	for _, sampled := range []bool{true, false} {
		tr := traceOf("run", sampled)
		step := store.StepSpanID(tr, "run", "0", 1)
		ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: tr.TraceID, SpanID: step, TraceFlags: trace.TraceFlags(0).WithSampled(sampled),
		}))
		_, span := otel.Tracer("user").Start(ctx, "query")
		span.End()
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.order) != 1 {
		t.Fatalf("%d user spans came, want that of the sampled run", len(r.order))
	}
	got := r.spans[r.order[0]]
	tr := traceOf("run", true)
	if want := store.StepSpanID(tr, "run", "0", 1); [8]byte(got.ParentSpanId) != want || [16]byte(got.TraceId) != tr.TraceID {
		t.Errorf("parent %x in trace %x, want the step's %x", got.ParentSpanId, got.TraceId, want)
	}
	for key, want := range map[string]string{
		"service.name": "stepwell", "service.version": "v9", "service.instance.id": "executor-7",
		"deployment.environment.name": "test", "host.name": "elsewhere", "process.runtime.name": "go",
	} {
		if got.resource[key] != want {
			t.Errorf("resource %s is %q, want %q", key, got.resource[key], want)
		}
	}
	for _, key := range []string{"process.pid", "process.executable.name"} {
		if got.resource[key] == "" {
			t.Errorf("resource has no %s", key)
		}
	}
	if args := got.resource["process.command_args"]; args != "" {
		t.Errorf("resource shows the command line: %s", args)
	}
}

func TestMetricsAndLogsAreSent(t *testing.T) {
	r := newReceiver(t)
	tel := start(t, Config{}, "EXPORTER_OTLP_ENDPOINT="+r.url, "SERVICE_NAME=mine", "TRACES_EXPORTER=none")
	if tel.Tracing() {
		t.Error("traces although their exporter is none")
	}
	counter, err := otel.Meter("test").Int64Counter("runs")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 3)
	var local strings.Builder
	log := slog.New(tel.LogHandler(slog.NewTextHandler(&local, nil)))
	tr := traceOf("run", true)
	ctx := trace.ContextWithSpanContext(t.Context(), spanContext(tr, [8]byte{7}, false))
	log.InfoContext(ctx, "hello", "n", 1)
	log.DebugContext(ctx, "not this one")
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.metrics) == 0 || r.metrics[0].ResourceMetrics[0].ScopeMetrics[0].Metrics[0].Name != "runs" {
		t.Errorf("metrics: %v", r.metrics)
	} else if got := attrs(r.metrics[0].ResourceMetrics[0].Resource.Attributes)["service.name"]; got != "mine" {
		t.Errorf("service.name is %q", got)
	}
	if len(r.logs) != 1 || len(r.logs[0].ResourceLogs[0].ScopeLogs[0].LogRecords) != 1 {
		t.Fatalf("logs: %v", r.logs)
	}
	rec := r.logs[0].ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	if rec.Body.GetStringValue() != "hello" || string(rec.TraceId) != string(tr.TraceID[:]) || string(rec.SpanId) != string([]byte{7, 0, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("log record: %v", rec)
	}
	if !strings.Contains(local.String(), "hello") {
		t.Errorf("local log: %q", local.String())
	}
}

func TestEachSignalHasItsOwnSwitch(t *testing.T) {
	for _, tt := range []struct {
		vars                  []string
		traces, metrics, logs bool
	}{
		{nil, false, false, false},
		{[]string{"EXPORTER_OTLP_ENDPOINT=http://h:1"}, true, true, true},
		{[]string{"EXPORTER_OTLP_TRACES_ENDPOINT=http://h:1"}, true, false, false},
		{[]string{"EXPORTER_OTLP_METRICS_ENDPOINT=http://h:1"}, false, true, false},
		{[]string{"EXPORTER_OTLP_LOGS_ENDPOINT=http://h:1"}, false, false, true},
		{[]string{"TRACES_EXPORTER=otlp"}, true, false, false},
		{[]string{"TRACES_EXPORTER=console"}, true, false, false},
		{[]string{"METRICS_EXPORTER=prometheus"}, false, true, false},
		{[]string{"LOGS_EXPORTER=console"}, false, false, true},
		{[]string{"EXPORTER_OTLP_ENDPOINT=http://h:1", "LOGS_EXPORTER=none"}, true, true, false},
		{[]string{"EXPORTER_OTLP_ENDPOINT=http://h:1", "SDK_DISABLED=TRUE"}, false, false, false},
	} {
		setEnv(t, tt.vars...)
		e, err := readEnv()
		if err != nil || e.traces != tt.traces || e.metrics != tt.metrics || e.logs != tt.logs {
			t.Errorf("%v: traces %v, metrics %v, logs %v, %v", tt.vars, e.traces, e.metrics, e.logs, err)
		}
	}
}

func TestWrongValuesAreNamed(t *testing.T) {
	const on = "EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"
	for _, tt := range []struct {
		vars []string
		want string
	}{
		{[]string{"TRACES_EXPORTER=jaeger"}, `OTEL_TRACES_EXPORTER: got "jaeger", want otlp, console or none`},
		{[]string{"METRICS_EXPORTER=statsd"}, `OTEL_METRICS_EXPORTER: got "statsd", want otlp, console, prometheus or none`},
		{[]string{"LOGS_EXPORTER=x"}, `OTEL_LOGS_EXPORTER: got "x", want otlp, console or none`},
		{[]string{on, "EXPORTER_OTLP_PROTOCOL=http/json"}, `OTEL_EXPORTER_OTLP_PROTOCOL: got "http/json", want grpc or http/protobuf`},
		{[]string{on, "EXPORTER_OTLP_TRACES_PROTOCOL=udp"}, `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: got "udp", want grpc or http/protobuf`},
		{[]string{"EXPORTER_OTLP_ENDPOINT=127.0.0.1:4318"}, `OTEL_EXPORTER_OTLP_ENDPOINT: got "127.0.0.1:4318", want a URL such as http://collector:4318`},
		{[]string{"EXPORTER_OTLP_ENDPOINT=collector:4318"}, `OTEL_EXPORTER_OTLP_ENDPOINT: got "collector:4318", want a URL such as http://collector:4318`},
		{[]string{"EXPORTER_OTLP_TRACES_ENDPOINT=http://"}, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: got "http://", want a URL such as http://collector:4318`},
		{[]string{"EXPORTER_OTLP_ENDPOINT=ftp://u:secret@h/"}, `OTEL_EXPORTER_OTLP_ENDPOINT: got "ftp://u:xxxxx@h/", want a URL such as http://collector:4318`},
		{[]string{"EXPORTER_OTLP_ENDPOINT=u:secret@h:1"}, `OTEL_EXPORTER_OTLP_ENDPOINT: got "...", want a URL such as http://collector:4318`},
		{[]string{on, "EXPORTER_OTLP_COMPRESSION=zstd"}, `OTEL_EXPORTER_OTLP_COMPRESSION: got "zstd", want gzip or none`},
		{[]string{on, "EXPORTER_OTLP_TIMEOUT=10s"}, `OTEL_EXPORTER_OTLP_TIMEOUT: got "10s", want milliseconds`},
		{[]string{on, "EXPORTER_OTLP_HEADERS=secret"}, `OTEL_EXPORTER_OTLP_HEADERS: want key=value, with commas between`},
		{[]string{"TRACES_SAMPLER=sometimes"}, `OTEL_TRACES_SAMPLER: got "sometimes", want always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio`},
		{[]string{"TRACES_SAMPLER=traceidratio", "TRACES_SAMPLER_ARG=2"}, `OTEL_TRACES_SAMPLER_ARG: got "2", want a ratio from 0 to 1`},
		{[]string{"TRACES_SAMPLER=traceidratio", "TRACES_SAMPLER_ARG=NaN"}, `OTEL_TRACES_SAMPLER_ARG: got "NaN", want a ratio from 0 to 1`},
		{[]string{"PROPAGATORS=b3"}, `OTEL_PROPAGATORS: got "b3", want tracecontext, baggage or none, with commas between`},
		{[]string{"RESOURCE_ATTRIBUTES=region"}, `OTEL_RESOURCE_ATTRIBUTES: got "region", want key=value, with commas between`},
		{[]string{"SDK_DISABLED=maybe"}, `OTEL_SDK_DISABLED: got "maybe", want true or false`},
	} {
		before := goroutines()
		setEnv(t, tt.vars...)
		tel, err := Start(t.Context(), Config{Log: quiet()})
		if err == nil {
			tel.Shutdown(t.Context())
			t.Errorf("%v: no error", tt.vars)
			continue
		}
		if got := strings.TrimPrefix(err.Error(), "start telemetry: "); got != tt.want {
			t.Errorf("%v:\n%s\nwant\n%s", tt.vars, got, tt.want)
		}
		if n := goroutines(); n > before {
			t.Errorf("%v: %d goroutines after the error, before it %d", tt.vars, n, before)
		}
	}
}

func TestSamplerOfTelemetryThatIsOn(t *testing.T) {
	yes, no := true, false
	tel := start(t, Config{}, "TRACES_EXPORTER=otlp")
	if s := tel.Sampler(); !s([16]byte{1}, nil) || !s([16]byte{1}, &yes) || s([16]byte{1}, &no) {
		t.Error("by default a run is traced unless its caller is not")
	}
	// Metrics alone make no run traced.
	tel = start(t, Config{}, "METRICS_EXPORTER=otlp")
	if s := tel.Sampler(); s([16]byte{1}, nil) || s([16]byte{1}, &yes) {
		t.Error("samples while tracing is off")
	}
}

func TestPrometheusPortTakenNamesTheVariable(t *testing.T) {
	r := newReceiver(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(r.url, "http://"), ":")
	setEnv(t, "METRICS_EXPORTER=prometheus", "EXPORTER_PROMETHEUS_HOST=127.0.0.1", "EXPORTER_PROMETHEUS_PORT="+port)
	_, err := Start(t.Context(), Config{Log: quiet()})
	if err == nil || !strings.Contains(err.Error(), "OTEL_METRICS_EXPORTER: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestSDKErrorsReachTheLogOnceAMinute(t *testing.T) {
	out := new(logBuffer)
	start(t, Config{Log: slog.New(slog.NewTextHandler(out, nil))}, "EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1")
	for range 100 {
		otel.Handle(errors.New("collector is away"))
	}
	if n := strings.Count(out.String(), "collector is away"); n != 1 {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
}
