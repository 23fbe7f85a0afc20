package access

import "net/http"

// policy lets a page load what this server serves, and nothing else: no inline
// script or style, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// protect sets what browsers are to be strict about. A handler may overwrite
// Cache-Control for what is no data.
func protect(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for what does not know frame-ancestors
	// A browser that holds the connection for unsafe ignores this one, and says so
	// as an error on each page. To the others it sends such headers.
	if secure(r) || r.Header.Get("Sec-Fetch-Site") != "" {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// Not no-referrer: a browser would then send its own forms with Origin:
	// null, which over plain HTTP cannot be told from another site's.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
