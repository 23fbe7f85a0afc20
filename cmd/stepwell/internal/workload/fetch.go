package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// Fetch is three steps that each call an HTTP endpoint and try again when it
// fails. By default that is the one [Routes] serves, which fails often.
var Fetch = runtime.Define("fetch", fetch)

// FetchInput says what to call.
type FetchInput struct {
	// URL to get, http or https; empty: an endpoint of this server that fails
	// a third of the calls.
	URL string `json:"url,omitzero" jsonschema:"what to get, http or https; empty: an endpoint of this server that fails a third of the calls"`
}

// FetchOutput holds the responses. Their bodies are not kept, so that a run
// cannot be used to read what only the server can reach.
type FetchOutput struct {
	Responses []Response `json:"responses"`
}

// Response is what one call gave in the end.
type Response struct {
	Status int   `json:"status"`
	Bytes  int64 `json:"bytes"`
}

// UnmarshalJSON also checks the values, so that a bad input is refused when
// the run is started.
func (in *FetchInput) UnmarshalJSON(data []byte) error {
	type plain FetchInput
	if err := decode(data, (*plain)(in)); err != nil {
		return err
	}
	return in.check()
}

func (in FetchInput) check() error {
	if in.URL == "" {
		return nil
	}
	u, err := url.Parse(in.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("url is %q: want an http or https address", in.URL)
	}
	return nil
}

// stubborn outlasts an endpoint that fails one call in three: twenty failures
// in a row would be one in three thousand million.
var stubborn = runtime.Retry{Max: 20, Initial: 50 * time.Millisecond, MaxDelay: 2 * time.Second, Jitter: 0.5}

func fetch(ctx context.Context, in FetchInput) (FetchOutput, error) {
	var out FetchOutput
	if err := in.check(); err != nil {
		return out, err
	}
	for i := range 3 {
		r, err := runtime.Step(ctx, fmt.Sprintf("call %d", i+1), func(ctx context.Context) (Response, error) {
			return call(ctx, in.URL)
		}, stubborn, runtime.Timeout(10*time.Second))
		if err != nil {
			return out, err
		}
		out.Responses = append(out.Responses, r)
	}
	return out, nil
}

// call gets a URL. Errors that another attempt will not mend are permanent.
func call(ctx context.Context, target string) (Response, error) {
	if target == "" {
		// Asked for at each attempt: after a restart the server may listen
		// elsewhere.
		base := ownURL()
		if base == "" {
			return Response{}, errNotServing
		}
		target = base + FlakyPath
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return Response{}, runtime.Permanent(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return Response{}, err
	case n > maxBody:
		return Response{}, runtime.Permanent(fmt.Errorf("get %s: body of more than %d bytes", target, maxBody))
	case resp.StatusCode < 300:
		return Response{Status: resp.StatusCode, Bytes: n}, nil
	}
	err = fmt.Errorf("get %s: %s", target, resp.Status)
	if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusRequestTimeout {
		err = runtime.Permanent(err)
	}
	return Response{}, err
}

// maxBody is what a call reads at most.
const maxBody = 1 << 20

var errNotServing = errors.New("this process does not serve yet: try again, or give a url")
