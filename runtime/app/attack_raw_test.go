package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRawRequests: what no client of Go's would send, to a program as it is
// deployed. Each is followed by another request in the same bytes, which starts
// a run: had the two sides of a proxy different views of where the first ends,
// it would be smuggled past the gate.
func TestRawRequests(t *testing.T) {
	p := serve(t, t.TempDir(), "STEPWELL_TOKENS=admin:"+adminToken+",viewer:"+viewerToken, "STEPWELL_LOG_LEVEL=debug")
	const smuggled = "POST /v1/workflows/echo/runs?id=smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
	auth := "Authorization: Bearer " + adminToken + "\r\n"
	for _, c := range []struct {
		name, head, body string
		want             []int // 0: the connection is closed
	}{
		{"plain", "GET /v1/runs HTTP/1.1\r\nHost: x\r\n" + auth, "", []int{200}},
		{"two lengths", "POST /v1/workflows/echo/runs HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: 2\r\nContent-Length: 4\r\n", "{}", []int{400}},
		{"length and chunks", "POST /v1/workflows/echo/runs HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", []int{202, 400}},
		{"chunks spelt strangely", "POST /v1/workflows/echo/runs HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", []int{501, 400}},
		{"two encodings", "POST /v1/workflows/echo/runs HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n", []int{501, 400}},
		{"a length with a sign", "POST /v1/workflows/echo/runs HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: +2\r\n", "{}", []int{400}},
		{"a broken chunk", "POST /v1/workflows/echo/runs HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n", []int{400}},
		{"two hosts", "GET /v1/runs HTTP/1.1\r\nHost: x\r\nHost: y\r\n" + auth, "", []int{400}},
		{"no host", "GET /v1/runs HTTP/1.1\r\n" + auth, "", []int{400}},
		{"a host with a line break", "GET /v1/runs HTTP/1.1\r\nHost: x\ry\r\n" + auth, "", []int{400}},
		{"a folded header", "GET /v1/runs HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n" + auth, "", []int{200, 400}},
		{"a space before the colon", "GET /v1/runs HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer " + adminToken + "\r\n", "", []int{400}},
		{"a NUL in a header", "GET /v1/runs HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n" + auth, "", []int{400}},
		{"a NUL in the token", "GET /v1/runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + adminToken + "\x00\r\n", "", []int{400}},
		{"a NUL in the path", "GET /v1/runs\x00 HTTP/1.1\r\nHost: x\r\n" + auth, "", []int{400}},
		{"a tab in the path", "GET /v1/ru\tns HTTP/1.1\r\nHost: x\r\n" + auth, "", []int{400, 404}},
		{"two tokens", "GET /v1/runs HTTP/1.1\r\nHost: x\r\n" + auth + "Authorization: Bearer " + viewerToken + "\r\n", "", []int{400}},
		{"a huge header", "GET /v1/runs HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n" + auth, "", []int{431}},
		{"many headers", "GET /v1/runs HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: a\r\n", 10_000) + auth, "", []int{431}},
		{"a huge path", "GET /v1/runs/" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: x\r\n" + auth, "", []int{431}},
		{"an unknown version", "GET /v1/runs HTTP/3.7\r\nHost: x\r\n" + auth, "", []int{400, 505}},
		{"another server's URL", "GET http://evil.example/v1/runs HTTP/1.1\r\nHost: x\r\n" + auth, "", []int{200}},
		{"a proxy's CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n" + auth, "", []int{404, 405}},
		{"a server's OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: x\r\n" + auth, "", []int{200, 400, 404, 405}},
		{"an upgrade", "GET /v1/runs HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + auth, "", []int{200}},
		{"HTTP/2 without TLS", "PRI * HTTP/2.0\r\n", "SM\r\n\r\n", []int{400, 404, 405, 505, 0}},
		{"headers that connections drop", "GET /v1/runs HTTP/1.1\r\nHost: x\r\nConnection: Authorization\r\n" + auth, "", []int{200}},
		{"line ends of old", "GET /v1/runs HTTP/1.1\nHost: x\n\n", "", []int{401, 400}},
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", "", []int{400, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", p.api)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			// The server may have answered and gone before it has read all.
			go fmt.Fprint(conn, c.head+"\r\n"+c.body+smuggled)
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			got, body := 0, ""
			if err == nil {
				b, _ := io.ReadAll(resp.Body)
				got, body = resp.StatusCode, string(b)
			}
			for _, want := range c.want {
				if got == want {
					got = -1
				}
			}
			if got != -1 {
				t.Errorf("%d %q, want %v", got, body, c.want)
			}
			if strings.Contains(body, adminToken) || strings.Contains(body, ".go:") {
				t.Errorf("the answer tells too much: %q", body)
			}
			if resp, err := http.ReadResponse(r, nil); err == nil && resp.StatusCode < 400 {
				t.Errorf("the request behind it was let through: %d", resp.StatusCode)
			}
		})
	}
	p.token = adminToken
	if code, run := p.do("GET", "/v1/runs/smuggled", ""); code != http.StatusNotFound {
		t.Errorf("a run was smuggled past the gate: %d %v", code, run)
	}
	p.stop()
	if log := p.logged(); strings.Contains(log, "panic") || strings.Contains(log, adminToken) || strings.Contains(log, "goroutine") {
		t.Errorf("the log:\n%s", log)
	}
}
