package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	urlVar   = "STEPWELL_URL"
	tokenVar = "STEPWELL_TOKEN"
)

// client talks to a server for the commands.
type client struct {
	base, token string
	http        http.Client
}

func addClientFlags(c *cobra.Command) {
	f := c.PersistentFlags()
	f.String("url", "http://127.0.0.1:8080", "the server ("+urlVar+"); by default the one that would listen here")
	f.String("token", "", "token to show it ("+tokenVar+")")
	f.StringP("output", "o", "table", "table or json")
	f.Bool("utc", false, "whole times, in UTC")
}

// newClient follows the flags, else the environment; without a URL it is the
// server that would listen here.
func newClient(c *cobra.Command) (*client, error) {
	flags := given(c)
	base, from := flags["url"], "--url"
	if _, ok := flags["url"]; !ok {
		base, from = os.Getenv(urlVar), urlVar
	}
	if base == "" {
		cfg, err := readConfig(nil, os.Getenv, "addr")
		if err != nil {
			return nil, err
		}
		base = "http://" + dialable(cfg.addr)
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, UsageErrorf("%s is %q: want a URL such as http://127.0.0.1:8080", from, base)
	}
	token, ok := flags["token"]
	if !ok {
		token = os.Getenv(tokenVar)
	}
	return &client{base: strings.TrimRight(base, "/"), token: token, http: http.Client{Timeout: 90 * time.Second}}, nil
}

// call makes a request and returns the body of a good answer.
func (c *client) call(ctx context.Context, method, path string, query url.Values, body []byte) ([]byte, error) {
	return c.callWith(ctx, method, path, query, body, nil)
}

// callWith is call with further headers.
func (c *client) callWith(ctx context.Context, method, path string, query url.Values, body []byte, header http.Header) ([]byte, error) {
	resp, err := c.do(ctx, &c.http, method, path, query, body, header)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("answer of %s: %w", c.base, err)
	}
	return data, nil
}

// do makes a request and returns a good answer, whose body is to be closed.
func (c *client) do(ctx context.Context, by *http.Client, method, path string, query url.Values, body []byte, header http.Header) (*http.Response, error) {
	u := c.base + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := by.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return nil, &unreachableError{c.base, err}
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // what came says enough
	return nil, problemOf(c.base, resp, data)
}

// problemError is an error that the server answered.
type problemError struct {
	status       int
	code, detail string
}

func (e *problemError) Error() string { return e.detail }

// unreachableError says that nobody answered.
type unreachableError struct {
	base string
	err  error
}

func (e *unreachableError) Error() string { return fmt.Sprintf("no answer from %s: %s", e.base, e.err) }
func (e *unreachableError) Unwrap() error { return e.err }

// problemOf is the error that an answer tells of.
func problemOf(base string, resp *http.Response, data []byte) error {
	p := &problemError{status: resp.StatusCode}
	var body struct{ Detail, Code string }
	if json.Unmarshal(data, &body) != nil || body.Detail == "" {
		p.detail = fmt.Sprintf("%s answered %s", base, resp.Status)
		return p
	}
	p.detail, p.code = body.Detail, body.Code
	if p.status == http.StatusBadRequest {
		return UsageErrorf("%w", p)
	}
	return p
}

// asProblem finds what the server answered in an error.
func asProblem(err error) (*problemError, bool) { return errors.AsType[*problemError](err) }
