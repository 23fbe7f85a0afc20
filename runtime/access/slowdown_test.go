package access_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime/access"
)

// show makes a request with a token from an address.
func show(h http.Handler, secret, from string) (code int, wait time.Duration) {
	r := request("GET", "/v1/runs", "", bearer(secret)...)
	r.RemoteAddr = from + ":1234"
	w := do(h, r)
	n, _ := strconv.Atoi(w.Header().Get("Retry-After"))
	return w.Code, time.Duration(n) * time.Second
}

// TestWrongTokensSlowDown: each further wrong one costs twice the time, up to a
// minute; what is shown meanwhile is not looked at.
func TestWrongTokensSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := gate(access.Config{Tokens: tokens(), Login: loginPage})
		began := time.Now()
		for i := range 5 {
			if code, _ := show(h, "wrong", "192.0.2.1"); code != 401 {
				t.Fatalf("wrong token %d: %d, want 401", i, code)
			}
		}
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			code, wait := show(h, "wrong", "192.0.2.1")
			if code != 429 || wait != want*time.Second {
				t.Fatalf("pause %d: %d for %v, want 429 for %v s", i, code, wait, want)
			}
			if code, _ := show(h, weakSecret, "192.0.2.1"); code != 429 {
				t.Fatalf("a right token that may be guessed, meanwhile: %d, want 429", code)
			}
			if w := do(h, loginForm(weakSecret, "")); w.Code != 303 { // 192.0.2.1 is httptest's own address
				if w.Code != 429 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "Too many") {
					t.Fatalf("the form, meanwhile: %d %q", w.Code, w.Body)
				}
			} else {
				t.Fatal("the form let it through")
			}
			time.Sleep(wait - time.Millisecond)
			if code, _ := show(h, "wrong", "192.0.2.1"); code != 429 {
				t.Fatalf("just before the end of pause %d: %d, want 429", i, code)
			}
			time.Sleep(time.Millisecond)
			if code, _ := show(h, "wrong", "192.0.2.1"); code != 401 {
				t.Fatalf("after pause %d: %d, want 401", i, code)
			}
		}
		if took := time.Since(began); took != 183*time.Second {
			t.Errorf("13 wrong tokens took %v", took)
		}
		time.Sleep(time.Minute)
		if code, _ := show(h, weakSecret, "192.0.2.1"); code != 200 {
			t.Errorf("the right token after the pause: %d", code)
		}
		if code, _ := show(h, "wrong", "192.0.2.1"); code != 401 {
			t.Errorf("a wrong one after that: %d", code)
		}
		if code, wait := show(h, "wrong", "192.0.2.1"); code != 429 || wait != time.Minute {
			t.Errorf("and the next: %d for %v; a right token wipes out nothing", code, wait)
		}
		time.Sleep(17 * time.Minute)
		for i := range 5 {
			if code, _ := show(h, "wrong", "192.0.2.1"); code != 401 {
				t.Errorf("wrong token %d, long after: %d, want 401", i, code)
			}
		}
	})
}

// TestOthersAreNotLockedOut while somebody guesses.
func TestOthersAreNotLockedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := gate(access.Config{Tokens: tokens(), Login: loginPage})
		session := logIn(t, h, adminSecret)
		for range 10 {
			show(h, "wrong", "192.0.2.1")
		}
		for _, c := range []struct {
			secret, from string
			want         int
		}{
			{weakSecret, "192.0.2.2", 200}, {"wrong", "192.0.2.2", 401},
			// Nobody guesses this one, so it may come through the guesser's proxy.
			{adminSecret, "192.0.2.1", 200}, {viewerSecret, "192.0.2.1", 200},
			{weakSecret, "192.0.2.1", 429}, {"", "192.0.2.1", 429},
		} {
			if code, _ := show(h, c.secret, c.from); code != c.want {
				t.Errorf("%q from %s: %d, want %d", c.secret, c.from, code, c.want)
			}
		}
		if w := do(h, with(request("GET", "/v1/runs", ""), session)); w.Code != 200 {
			t.Errorf("a session from the guesser's address: %d", w.Code)
		}
		if w := do(h, request("GET", "/v1/runs", "")); w.Code != 401 {
			t.Errorf("without a token: %d, want 401: it is no guess", w.Code)
		}
	})
}

// TestLongIsNotStrong: a password of many letters waits as a short one does,
// and so cannot be found by trying at full speed.
func TestLongIsNotStrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const password = "stepwell-admin-password"
		h := gate(access.Config{Tokens: []access.Token{access.NewToken(access.Admin, password)}, Login: loginPage})
		for i := range 1000 {
			if code, _ := show(h, fmt.Sprintf("stepwell-admin-%d", i), "192.0.2.1"); code != 401 && code != 429 {
				t.Fatalf("guess %d: %d", i, code)
			}
		}
		if code, _ := show(h, password, "192.0.2.1"); code != 429 {
			t.Errorf("the right one after 1000 wrong ones: %d, want 429", code)
		}
		if w := do(h, loginForm(password, "")); w.Code != 429 {
			t.Errorf("in the form: %d, want 429", w.Code)
		}
		if code, _ := show(h, password, "192.0.2.2"); code != 200 {
			t.Errorf("from elsewhere: %d, want 200", code)
		}
	})
}

// TestManyAtOnce are no way round the pause.
func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := gate(access.Config{Tokens: tokens()})
		var looked atomic.Int64
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if code, _ := show(h, "wrong", "192.0.2.1"); code == 401 {
					looked.Add(1)
				}
			})
		}
		all.Wait()
		if looked.Load() != 5 {
			t.Errorf("%d of 200 guesses at once were looked at, want 5", looked.Load())
		}
	})
}

// TestManyGuessers: with more addresses than are told apart, the rest is slowed
// down as one, and once they are gone the room is free again.
func TestManyGuessers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := gate(access.Config{Tokens: tokens()})
		looked := 0
		for i := range 10_000 {
			if code, _ := show(h, "wrong", fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)); code == 401 {
				looked++
			}
		}
		if looked != 4096+5 {
			t.Errorf("%d guesses of 10,000 addresses were looked at, want %d", looked, 4096+5)
		}
		if code, _ := show(h, adminSecret, "192.0.2.1"); code != 200 {
			t.Errorf("a right token from elsewhere: %d", code)
		}
		time.Sleep(16 * time.Minute)
		for i := range 5 {
			if code, _ := show(h, "wrong", "192.0.2.1"); code != 401 {
				t.Errorf("wrong token %d, long after: %d, want 401", i, code)
			}
		}
		if code, _ := show(h, weakSecret, "192.0.2.2"); code != 200 {
			t.Errorf("a right token long after: %d", code)
		}
	})
}
