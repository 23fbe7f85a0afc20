package telemetry

import (
	"context"
	"os"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// sampler decides whether a run is traced. The zero sampler says never.
type sampler struct {
	root sdktrace.Sampler
	// parentBased: a caller's decision is taken over.
	parentBased bool
}

func readSampler() (sampler, error) {
	const nameVar, argVar = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
	name := strings.ToLower(strings.TrimSpace(os.Getenv(nameVar)))
	if name == "" {
		name = "parentbased_always_on"
	}
	kind, parentBased := strings.CutPrefix(name, "parentbased_")
	s := sampler{parentBased: parentBased}
	switch kind {
	case "always_on":
		s.root = sdktrace.AlwaysSample()
	case "always_off":
		s.root = sdktrace.NeverSample()
	case "traceidratio":
		ratio := 1.0
		if arg := strings.TrimSpace(os.Getenv(argVar)); arg != "" {
			v, err := strconv.ParseFloat(arg, 64)
			if err != nil || !(v >= 0 && v <= 1) { // so that NaN is refused
				return sampler{}, wrong(argVar, arg, "a ratio from 0 to 1")
			}
			ratio = v
		}
		s.root = sdktrace.TraceIDRatioBased(ratio)
	default:
		return sampler{}, wrong(nameVar, name, "always_on, always_off, traceidratio, parentbased_always_on, "+
			"parentbased_always_off or parentbased_traceidratio")
	}
	return s, nil
}

func (s sampler) sample(traceID [16]byte, remoteSampled *bool) bool {
	switch {
	case s.root == nil:
		return false
	case s.parentBased && remoteSampled != nil:
		return *remoteSampled
	}
	res := s.root.ShouldSample(sdktrace.SamplingParameters{ParentContext: context.Background(), TraceID: traceID})
	return res.Decision == sdktrace.RecordAndSample
}
