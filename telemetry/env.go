package telemetry

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// env is what the OTEL_* variables ask for. The SDK reads most of them by
// itself; what it would pass over in silence when wrong is checked here.
type env struct {
	traces, metrics, logs bool
	sampler               sampler
	propagator            propagation.TextMapPropagator
}

func readEnv() (e env, err error) {
	e.propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	switch v := os.Getenv("OTEL_SDK_DISABLED"); strings.ToLower(v) {
	case "true":
		return e, nil
	case "", "false":
	default:
		return env{}, wrong("OTEL_SDK_DISABLED", v, "true or false")
	}
	if e.propagator, err = readPropagators(); err != nil {
		return env{}, err
	}
	if e.sampler, err = readSampler(); err != nil {
		return env{}, err
	}
	if err := checkResourceAttributes(); err != nil {
		return env{}, err
	}
	if e.traces, err = traces.wanted(); err != nil {
		return env{}, err
	}
	if e.metrics, err = metrics.wanted(); err != nil {
		return env{}, err
	}
	if e.logs, err = logs.wanted(); err != nil {
		return env{}, err
	}
	return e, nil
}

// signal is one kind of telemetry, with its name in the variables.
type signal struct {
	name      string
	exporters []string
}

var (
	traces  = signal{"TRACES", []string{"otlp", "console", "none"}}
	metrics = signal{"METRICS", []string{"otlp", "console", "prometheus", "none"}}
	logs    = signal{"LOGS", []string{"otlp", "console", "none"}}
)

func (s signal) exporterVar() string { return "OTEL_" + s.name + "_EXPORTER" }

// wanted reports whether the signal is on. The exporters themselves would take
// "nothing set" for "otlp".
func (s signal) wanted() (bool, error) {
	exporter := os.Getenv(s.exporterVar())
	if exporter == "" {
		if otlp("ENDPOINT") == "" && otlp(s.name+"_ENDPOINT") == "" {
			return false, nil
		}
		exporter = "otlp"
	}
	switch {
	case !slices.Contains(s.exporters, exporter):
		return false, wrong(s.exporterVar(), exporter, oneOf(s.exporters))
	case exporter == "otlp":
		return true, s.checkOTLP()
	}
	return exporter != "none", nil
}

// checkOTLP checks the variables for all signals, and this one's, which win.
func (s signal) checkOTLP() error {
	protocol := "http/protobuf"
	for _, prefix := range []string{"", s.name + "_"} {
		// Exactly as it stands: the exporters do not trim this one.
		if v := os.Getenv(otlpVar(prefix + "PROTOCOL")); v != "" {
			if protocol = v; v != "grpc" && v != "http/protobuf" {
				return wrong(otlpVar(prefix+"PROTOCOL"), v, "grpc or http/protobuf")
			}
		}
	}
	for _, prefix := range []string{"", s.name + "_"} {
		if v := otlp(prefix + "ENDPOINT"); v != "" && !validEndpoint(v, protocol) {
			return wrong(otlpVar(prefix+"ENDPOINT"), hidePassword(v), "a URL such as http://collector:4318")
		}
		if v := otlp(prefix + "COMPRESSION"); v != "" && v != "gzip" && v != "none" {
			return wrong(otlpVar(prefix+"COMPRESSION"), v, "gzip or none")
		}
		if v := otlp(prefix + "TIMEOUT"); v != "" {
			if ms, err := strconv.Atoi(v); err != nil || ms < 0 {
				return wrong(otlpVar(prefix+"TIMEOUT"), v, "milliseconds")
			}
		}
		if v := otlp(prefix + "HEADERS"); v != "" && !validPairs(v) {
			// Headers carry secrets: the value is not repeated.
			return fmt.Errorf("%s: want key=value, with commas between", otlpVar(prefix+"HEADERS"))
		}
	}
	return nil
}

func validEndpoint(v, protocol string) bool {
	u, err := url.Parse(v)
	switch {
	case err != nil:
		return false
	case u.Scheme == "unix":
		return protocol == "grpc"
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// hidePassword keeps what may be a password out of an error.
func hidePassword(v string) string {
	if u, err := url.Parse(v); err == nil && u.User != nil {
		return u.Redacted()
	} else if strings.Contains(v, "@") {
		return "..."
	}
	return v
}

func validPairs(v string) bool {
	for pair := range strings.SplitSeq(v, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if _, err := url.PathUnescape(value); !ok || err != nil || strings.TrimSpace(key) == "" {
			return false
		}
	}
	return true
}

func checkResourceAttributes() error {
	const name = "OTEL_RESOURCE_ATTRIBUTES"
	if v := strings.TrimSpace(os.Getenv(name)); v != "" && !validPairs(v) {
		return wrong(name, v, "key=value, with commas between")
	}
	return nil
}

func readPropagators() (propagation.TextMapPropagator, error) {
	const name = "OTEL_PROPAGATORS"
	v := os.Getenv(name)
	if v == "" {
		v = "tracecontext,baggage"
	}
	var all []propagation.TextMapPropagator
	for p := range strings.SplitSeq(v, ",") {
		switch strings.TrimSpace(p) {
		case "tracecontext":
			all = append(all, propagation.TraceContext{})
		case "baggage":
			all = append(all, propagation.Baggage{})
		case "none":
		default:
			return nil, wrong(name, v, "tracecontext, baggage or none, with commas between")
		}
	}
	return propagation.NewCompositeTextMapPropagator(all...), nil
}

func otlpVar(key string) string { return "OTEL_EXPORTER_OTLP_" + key }

func otlp(key string) string { return strings.TrimSpace(os.Getenv(otlpVar(key))) }

func wrong(name, value, want string) error {
	return fmt.Errorf("%s: got %q, want %s", name, value, want)
}

// failed names the variable that chose the exporter which could not start.
func (s signal) failed(err error) error { return fmt.Errorf("%s: %w", s.exporterVar(), err) }

func oneOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
