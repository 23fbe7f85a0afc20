package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// resources describes the sender twice. Spans of committed rows carry the
// service alone: the process that ships a row need not be the one that wrote
// it, and a row sent again by the next process must look the same. All else
// carries the process as well.
//
// The command line is left out, it may hold secrets; so is the user's name,
// which a container without a passwd file does not know.
func resources(ctx context.Context, cfg Config) (service, process *resource.Resource, err error) {
	service, err = resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("stepwell")),
		resource.WithAttributes(known(semconv.ServiceVersionKey, cfg.Version)...),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	process, err = resource.New(ctx,
		resource.WithAttributes(known(semconv.ServiceInstanceIDKey, cfg.Executor)...), resource.WithHost(),
		resource.WithProcessPID(), resource.WithProcessExecutableName(),
		resource.WithProcessRuntimeName(), resource.WithProcessRuntimeVersion())
	if err == nil {
		process, err = resource.Merge(process, service) // what the environment says wins
	}
	if err != nil {
		return nil, nil, fmt.Errorf("describe the process: %w", err)
	}
	return service, process, nil
}

func known(key attribute.Key, value string) []attribute.KeyValue {
	if value == "" {
		return nil
	}
	return []attribute.KeyValue{key.String(value)}
}
