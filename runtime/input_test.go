package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
)

type line struct {
	SKU   string `json:"sku"`
	Count int
}

type purchase struct {
	base
	*address
	Item   string `json:"item,omitempty"`
	Cents  int    `json:"cents"`
	Lines  []line `json:"lines"`
	By     map[string]*line
	Secret string `json:"-"`
	Own    ownJSON
	Any    any
	//lint:ignore U1000 it is what JSON does not see
	hidden int
}

type base struct {
	Tenant string `json:"tenant"`
}

type address struct{ Street string }

// ownJSON reads itself.
type ownJSON struct{ text string }

func (o *ownJSON) UnmarshalJSON(data []byte) error { o.text = string(data); return nil }

func define[In any](name string) runtime.Definition {
	return runtime.Define(name, func(context.Context, In) (int, error) { return 0, nil })
}

// TestInputsThatSayLessOrMore are refused before they are stored.
func TestInputsThatSayLessOrMore(t *testing.T) {
	defs := []runtime.Definition{
		define[purchase]("checkout"), define[*purchase]("pointer"), define[struct{}]("none"), define[any]("any"), define[ownJSON]("own"),
		define[[]line]("list"), define[map[string]line]("map"), define[string]("string"), define[int]("int"), define[bool]("bool"),
		define[[2]line]("two"), define[json.RawMessage]("raw"),
	}
	rt, err := runtime.New(openStore(t), runtime.Config{Logger: quiet}, defs...)
	if err != nil {
		t.Fatal(err)
	}
	const known = "known are: tenant, Street, item, cents, lines, By, Own, Any"
	for _, c := range []struct{ workflow, input, want string }{
		{"checkout", ``, "input of checkout is empty: want a JSON object, such as {}"},
		{"checkout", `{}`, ""},
		{"checkout", `null`, ""},
		{"checkout", `{"item":"tea","CENTS":950,"tenant":"a","Street":"b","lines":[{"sku":"x","count":1}],"By":{"x":{"sku":"y"}},"Own":{"z":1},"Any":{"z":1}}`, ""},
		{"checkout", `{"item":"tea","cnets":950}`, `field "cnets" is not known; ` + known},
		{"checkout", `{"Secret":"x"}`, `field "Secret" is not known; ` + known},
		{"checkout", `{"hidden":1}`, `field "hidden" is not known; ` + known},
		{"checkout", `{"base":{}}`, `field "base" is not known; ` + known},
		{"checkout", `{"lines":[{"sku":"x"},{"skew":"y"}]}`, `field "lines.1.skew" is not known; known are: sku, Count`},
		{"checkout", `{"By":{"a":null,"b":{"skew":"y"}}}`, `field "By.b.skew" is not known; known are: sku, Count`},
		{"checkout", `{"cents":"many"}`, ""}, // for Start to refuse
		{"checkout", `{"item":`, ""},
		{"pointer", ``, ""},
		{"pointer", `{"cnets":950}`, `field "cnets" is not known; ` + known},
		{"none", ``, ""},
		{"none", `{"a":1}`, `field "a" is not known; known are: none`},
		{"any", ``, ""},
		{"any", `{"a":1}`, ""},
		{"own", ``, ""},
		{"own", `{"a":1}`, ""},
		{"raw", ``, ""},
		{"raw", `{"a":1}`, ""},
		{"list", ``, ""},
		{"list", `[{"skew":"y"}]`, `field "0.skew" is not known`},
		{"map", ``, ""},
		{"two", ``, `input of two is empty: want a JSON array, such as []`},
		{"string", ``, `want a string, such as ""`},
		{"int", ``, `want an integer, such as 0`},
		{"bool", ``, `want a boolean, such as false`},
		{"not registered", ``, ""}, // for Start to refuse
	} {
		err := rt.CheckInput(c.workflow, []byte(c.input))
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %s: got %v; want %s", c.workflow, c.input, err, c.want)
		}
	}
}

// FuzzCheckInput: what Start takes and encoding/json knows all of is taken, and
// nothing panics.
func FuzzCheckInput(f *testing.F) {
	rt, err := runtime.New(openStore(f), runtime.Config{Logger: quiet}, define[purchase]("checkout"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{``, `{}`, `{"lines":[{"skew":1}],"By":{"a":{"b":1}}}`, `{"Own":{"a":1}}`, `[1]`, `{"ſku":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.DisallowUnknownFields()
		strict := d.Decode(new(purchase))
		if err := rt.CheckInput("checkout", data); err != nil && strict == nil {
			t.Errorf("%q is refused: %v", data, err)
		}
	})
}
