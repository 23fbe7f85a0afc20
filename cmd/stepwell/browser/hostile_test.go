package browser

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

// TestHostile has a run bring markup with it wherever it can: it is shown as it is, and none of it becomes part of a page.
func TestHostile(t *testing.T) {
	s := serveShop(t, "")
	const markup = `</script></pre><img src=/stolen onerror="window.stolen=1"><svg onload="window.stolen=1"><script>window.stolen=1</script>'"{{.}}`
	input, err := json.Marshal(map[string]any{"customer": markup, "amount": 1, "lines": []string{markup}})
	if err != nil {
		t.Fatal(err)
	}
	s.reaches(s.start("order", "?id=hostile&label.note="+url.QueryEscape(markup), string(input)), "succeeded")
	title, err := json.Marshal(map[string]string{"title": markup})
	if err != nil {
		t.Fatal(err)
	}
	s.reaches(s.start("report", "?id=failed&label.note="+url.QueryEscape(markup), string(title)), "failed")

	p := open(t, s)
	p.expect(http.StatusBadRequest) // the last is no id
	for _, path := range []string{
		"/ui/", "/ui/runs", "/ui/runs/hostile", "/ui/runs/hostile/steps/0", "/ui/runs/failed",
		"/ui/runs?workflow=" + url.QueryEscape(markup), "/ui/runs?label=note%3D" + url.QueryEscape(markup),
		"/ui/workflows/order?like=hostile", "/ui/runs/" + url.PathEscape(`<svg onload=window.stolen=1>`),
	} {
		p.open(path)
		p.settle()
		if n := value[int](p, `document.querySelectorAll("[onload], [onerror], script:not([src]), img[src*=stolen]").length`); n != 0 {
			t.Errorf("%s: %d elements came out of text", path, n)
		}
		if value[bool](p, `"stolen" in window`) {
			t.Errorf("%s: a script in text was executed", path)
		}
	}
	p.open("/ui/runs/hostile")
	p.sees(markup)
}
