package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// hostileNames are put into paths and queries, escaped as a client would do it;
// of those that come escaped, as they stand.
var hostileNames = []string{
	hostile, "", " ", ".", "..", "../../etc/passwd", `..\..\windows`, "/", "a/b", "a//b", "-", "\x00", "a\x00b", "\xff\xfe", "\r\nX-Injected: 1", "\u202e\u2066",
	"${jndi:ldap://evil.example/a}", "' OR 1=1 --", `"; DROP TABLE runs; --`, "%s%n%d", "{{.}}", "*", "id=", "a?b=c#d", "token=x", "🦀", "e\u0301", "NaN", "-1", "1e999", "0x7f",
	"99999999999999999999", "null", "true", "[object Object]", strings.Repeat("a", 256), strings.Repeat("ü", 4000), "javascript:alert(1)", "data:text/html,x", "//evil.example",
}

var escapedNames = []string{"%00", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%252e%252e", "%0d%0aX-Injected:%201", "%c0%ae%c0%ae", "%ff", "%u0000", "a;b", "a,b", "a+b", "%E2%80%AE"}

// hostileBodies are JSON, or nearly.
var hostileBodies = []string{
	"", " ", "null", "true", "0", `""`, "[]", "{}", "{", "}", `{"`, `{"a":}`, "[1,]", "{}{}", "{} x", "\x00", "\xff\xfe{\x00}\x00", "\ufeff{}", "<xml/>", "a=b&c=d",
	`{"a":1,"a":2}`, `{"ALL":true,"all":true}`, `{"__proto__":{"x":1},"constructor":{}}`, `{"a":1e999999}`, `{"a":-0}`, `{"a":0.1e-9999}`, `{"` + "\u0000" + `":1}`, `{"a":"\ud800"}`, `{"a":"` + "\xff" + `"}`,
	quoted(hostile), `{` + quoted(hostile) + `:` + quoted(hostile) + `}`, `{"status":[` + quoted(hostile) + `],"labels":{` + quoted(hostile) + `:1},"limit":-1,"all":"yes"}`,
	strings.Repeat("[", 20_000), strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000), strings.Repeat(`{"a":`, 8_000), strings.Repeat("9", 60_000), `"` + strings.Repeat("a", 70<<10) + `"`, `"` + strings.Repeat("a", 1<<20) + `"`,
}

var hostileForms = []string{
	"verb=" + url.QueryEscape(hostile), "verb=delete&all=1&id=" + url.QueryEscape(hostile), "id=done&id=done&id=", "%zz=1", "a;b=c", "=", "&&&&", "input=%7B&input=%7D", strings.Repeat("id=a&", 10_000),
	"input=" + url.QueryEscape(hostile) + "&id=" + url.QueryEscape("../x"), "name=%00&value=%ff", "confirm=yes&step=" + url.QueryEscape(hostile) + "&topic=%0d%0aX-Injected:1&value=" + url.QueryEscape(strings.Repeat("[", 9000)),
}

var hostileQueries = []string{
	"", "?", "??", "&", "=", "=&=", "%zz", "%", "a=%ff", "a;b", "limit=-1", "limit=999999999999999999999", "limit=NaN", "limit=1&limit=2", "cursor=" + url.QueryEscape(hostile), "cursor=AAAA", "cursor=%00",
	"status=" + url.QueryEscape(hostile), "label." + url.QueryEscape(hostile) + "=" + url.QueryEscape(hostile), "label.=", "label=", "since=yesterday", "until=9999-99-99T99:99:99Z", "since=0000-00-00T00:00:00Z", "parent=..", "queue=%00", "id=" + url.QueryEscape(hostile),
	"id=..%2f..", "wait=1h", "wait=-1s", "wait=1e9", "delay=-1h", "at=x", "priority=9999999999", "deadline=x", "offset=-1", "offset=18446744073709551616", "step=" + url.QueryEscape(hostile), "to=" + url.QueryEscape(hostile), "next=//evil.example",
	"next=" + url.QueryEscape("/ui/\r\nX-Injected: 1"), "q=" + url.QueryEscape(strings.Repeat("a", 8000)), strings.Repeat("a=b&", 2000), "__proto__=x", "%00=%00", "range=" + url.QueryEscape(hostile), "sort=" + url.QueryEscape(hostile), "verb=" + url.QueryEscape(hostile),
}

var hostileHeaders = [][]string{
	{"Content-Type", hostile[:20]}, {"Content-Type", "text/html"}, {"Content-Type", "multipart/form-data"}, {"Content-Type", "application/json; charset=utf-16"}, {"Content-Encoding", "gzip"}, {"Accept", "*/*;q=2"}, {"Accept", strings.Repeat("text/html,", 500)},
	{"Idempotency-Key", hostile[:30]}, {"Idempotency-Key", ".."}, {"Idempotency-Key", ""}, {"Idempotency-Key", "a", "Idempotency-Key", "b"}, {"Last-Event-ID", hostile[:30]}, {"Last-Event-ID", "-1"}, {"Last-Event-ID", strings.Repeat("9", 3000)}, {"If-None-Match", hostile[:30]}, {"If-None-Match", "*"},
	{"traceparent", "00-00000000000000000000000000000000-0000000000000000-ff"}, {"traceparent", hostile[:30]}, {"tracestate", strings.Repeat("a=b,", 1000)}, {"baggage", strings.Repeat("a=b,", 1000)}, {"Range", "bytes=0-,0-,0-"}, {"Expect", "100-continue"},
	{"HX-Request", "true"}, {"HX-Request", "true", "HX-Target", hostile[:30]}, {"HX-Current-URL", "https://evil.example/"}, {"Cookie", "stepwell=" + strings.Repeat("a", 5000)}, {"Cookie", `stepwell="; a=b`}, {"Host", "evil.example"}, {"Host", "a b"}, {"X-Forwarded-Proto", hostile[:30]},
	{"X-Forwarded-Host", "evil.example"}, {"Referer", "javascript:alert(1)"}, {"Forwarded", "for=x;host=evil.example"}, {"Sec-Fetch-Site", "none"}, {"User-Agent", hostile[:60]}, {"X-Original-URL", "/v1/runs"}, {"X-HTTP-Method-Override", "DELETE"},
}

// TestEveryRouteTakesHostileInput from an admin: whatever comes, no answer is of
// the server's fault, shows its inside or holds what a browser would execute,
// and what is refused stores nothing.
func TestEveryRouteTakesHostileInput(t *testing.T) {
	tg := newTarget(t)
	admin := bearer(adminToken)
	json, form := append([]string{"Content-Type", "application/json"}, admin...), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, admin...)
	asked, refused := 0, 0
	rows := tg.rows(t)
	send := func(method, path, body string, headers ...string) {
		t.Helper()
		a := tg.send(t, method, path, body, headers...)
		tg.check(t, a)
		if asked++; a.status >= 400 {
			refused++
		}
		if method == http.MethodGet {
			return // looked at together
		}
		now := tg.rows(t)
		if a.status >= 400 && now != rows {
			t.Errorf("%s: %d, but rows before and after are\n%s\n%s", a.what, a.status, rows, now)
		}
		rows = now
	}
	for _, r := range tg.routes {
		if r.Method == http.MethodHead {
			continue
		}
		for _, run := range []string{"done", "bad", "waits", "talk"} {
			if variables(r) > 0 && strings.Contains(r.Path, "/runs/{") && r.Method == http.MethodGet {
				send(r.Method, path(r, run, -1, ""), "", admin...)
				send(r.Method, path(r, run, -1, ""), "", append([]string{"HX-Request", "true"}, admin...)...)
			}
		}
		for i := range variables(r) {
			for _, name := range hostileNames {
				send(r.Method, path(r, "waits", i, url.PathEscape(name)), "{}", json...)
			}
			for _, name := range escapedNames {
				send(r.Method, path(r, "waits", i, name), "{}", json...)
			}
		}
		for _, q := range hostileQueries {
			p := path(r, "bad", -1, "")
			sep := "?"
			if strings.Contains(p, "?") {
				sep = "&"
			}
			send(r.Method, p+sep+q, "{}", json...)
		}
		for _, h := range hostileHeaders {
			send(r.Method, path(r, "bad", -1, ""), "{}", append(h, admin...)...)
		}
		if r.Method == http.MethodGet {
			if now := tg.rows(t); now != rows {
				t.Errorf("GET %s: rows before and after are\n%s\n%s", r.Path, rows, now)
			}
			continue
		}
		for _, body := range hostileBodies {
			send(r.Method, path(r, "bad", -1, ""), body, json...)
			send(r.Method, path(r, "nope", -1, ""), body, form...)
		}
		for _, body := range hostileForms {
			send(r.Method, path(r, "bad", -1, ""), body, form...)
		}
	}
	t.Logf("%d requests to %d routes, %d refused", asked, len(tg.routes), refused)
	if refused*2 < asked {
		t.Errorf("only %d of %d requests were refused: is it attacking at all?", refused, asked)
	}
}
