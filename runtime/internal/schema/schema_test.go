package schema

//lint:file-ignore SA5008 what encoding/json makes of odd tags is what is tested

import (
	"encoding/json"
	"math/big"
	"math/rand"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/google/go-cmp/cmp"
	ours "github.com/google/jsonschema-go/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

type (
	// Node contains itself.
	Node struct {
		Value    int
		Next     *Node            `json:",omitempty"`
		Children []Node           `json:"children"`
		Named    map[string]*Node `json:"named"`
	}
	// Ping and Pong contain one another.
	Ping struct{ Pong *Pong }
	Pong struct{ Ping []Ping }
	// List and Tree have no struct on their way.
	List []List
	Tree map[string]Tree
	// Itself cannot be anything but nil, and Loop goes through a struct without a name.
	Itself *Itself
	Loop   *struct{ Loop Loop }

	Generic[T any] struct {
		Of   T
		More *Generic[T]
	}

	address struct {
		Street string `json:"street"`
		City   string `json:"city,omitempty"`
		Hidden string `json:"-"`
		hidden string //lint:ignore U1000 it is not to be seen
	}
	Base struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	Embeds struct {
		address
		*Base
		Name string `json:"name"` // hides Base's
	}
	left      struct{ Same, Left int }
	right     struct{ Same, Right int }
	Ambiguous struct {
		left
		right
	}
	Named      string
	EmbedsName struct{ Named }

	Quoted struct {
		N    int      `json:",string"`
		B    *bool    `json:",string"`
		S    string   `json:"s,string"`
		None []string `json:",string"`
		T    Text     `json:",string"`
	}
	Kinds struct {
		Bool   bool
		I8     int8
		I32    int32
		I      int
		U8     uint8
		U16    uint16
		U      uint
		F      float64
		Bytes  []byte
		Three  [3]int8
		Hash   [4]byte
		Odd    map[int]string
		Any    any    `jsonschema:"whatever it is"`
		Said   string `json:"said" jsonschema:"what was said, in full"`
		At     time.Time
		AtP    *time.Time
		For    time.Duration
		Raw    json.RawMessage
		Number json.Number
		Addr   netip.Addr
		Big    *big.Int
		Ratio  *big.Rat
		Deep   **int
		Inner  struct{ X int }
		Quiet  int `json:"quiet,omitzero"`
		Signs  int `json:"a.b/c-d"`
		Bad    int `json:"a\"b"`
	}
)

// Text and its like write themselves.
type Text struct{ s string }

func (t Text) MarshalText() ([]byte, error)  { return []byte(t.s), nil }
func (t *Text) UnmarshalText(b []byte) error { t.s = string(b); return nil }

type Self struct{ X int }

func (Self) MarshalJSON() ([]byte, error) { return []byte(`[1,"two"]`), nil }
func (*Self) UnmarshalJSON([]byte) error  { return nil }

// OnPointer is written by itself only where it has an address.
type OnPointer struct{ X int }

func (*OnPointer) MarshalText() ([]byte, error) { return []byte("text"), nil }

type Holder struct {
	Self    Self
	SelfP   *Self
	Text    Text
	TextP   *Text
	Keys    map[Text]int
	Here    OnPointer
	There   *OnPointer
	Pointed []OnPointer
}

type Omits struct {
	P  *int           `json:",omitempty"`
	N  *Node          `json:",omitzero"`
	S  []int          `json:",omitempty"`
	Z  []int          `json:",omitzero"`
	M  map[string]int `json:",omitempty"`
	PS *[]int         `json:",omitempty"`
	PP **int          `json:",omitzero"`
	A  any            `json:",omitempty"`
}

// oneWay: what OnPointer writes, it does not read.
var oneWay = map[reflect.Type]bool{reflect.TypeFor[Holder](): true, reflect.TypeFor[*Holder](): true}

// Checks looks at what it reads.
type Checks struct {
	N int `json:"n"`
}

func (c *Checks) UnmarshalJSON(b []byte) error {
	type plain Checks
	return json.Unmarshal(b, (*plain)(c))
}

// Promoted writes itself by a method of what it embeds.
type Promoted struct {
	Self
	Y int
}

type Hopeless struct {
	C  chan int
	F  func()
	Z  complex128
	M  map[bool]int
	M2 map[[1]int]string
}

// wide is written out far longer than it is.
type (
	w0   struct{ A, B, C, D int }
	w1   struct{ A, B, C, D w0 }
	w2   struct{ A, B, C, D w1 }
	w3   struct{ A, B, C, D w2 }
	w4   struct{ A, B, C, D w3 }
	w5   struct{ A, B, C, D w4 }
	w6   struct{ A, B, C, D w5 }
	Wide struct{ A, B, C, D w6 }
)

func compiled(t *testing.T, typ reflect.Type, of func(reflect.Type) (*ours.Schema, error)) *jsonschema.Schema {
	t.Helper()
	s, err := of(typ)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("mem:x", v); err != nil {
		t.Fatal(err)
	}
	done, err := c.Compile("mem:x")
	if err != nil {
		t.Fatalf("%s: %v\n%s", typ, err, text)
	}
	return done
}

func check(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s.Validate(v)
}

// TestWhatIsWrittenFits: whatever encoding/json makes of random values of a type fits both its schemas.
func TestWhatIsWrittenFits(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[Node](), reflect.TypeFor[*Node](), reflect.TypeFor[Ping](), reflect.TypeFor[List](), reflect.TypeFor[Tree](),
		reflect.TypeFor[Itself](), reflect.TypeFor[Loop](), reflect.TypeFor[Generic[int]](), reflect.TypeFor[Generic[map[string]Base]](),
		reflect.TypeFor[address](), reflect.TypeFor[Embeds](), reflect.TypeFor[*Embeds](), reflect.TypeFor[Ambiguous](), reflect.TypeFor[EmbedsName](),
		reflect.TypeFor[Quoted](), reflect.TypeFor[Kinds](), reflect.TypeFor[Holder](), reflect.TypeFor[*Holder](), reflect.TypeFor[Promoted](), reflect.TypeFor[Wide](), reflect.TypeFor[Omits](), reflect.TypeFor[Checks](),
		reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[any](), reflect.TypeFor[error](), reflect.TypeFor[map[string][]*int](),
		reflect.TypeFor[struct{}](), reflect.TypeFor[time.Time](), reflect.TypeFor[**time.Time](), reflect.TypeFor[*big.Int](),
	} {
		t.Run(typ.String(), func(t *testing.T) {
			written, read := compiled(t, typ, Written), compiled(t, typ, Of)
			fits := func(v reflect.Value) {
				t.Helper()
				text, err := json.Marshal(v.Interface())
				if err != nil {
					t.Fatal(err)
				}
				if err := check(t, written, string(text)); err != nil {
					t.Errorf("written: %v\n%s", err, text)
				}
				if err := check(t, read, string(text)); err != nil && !oneWay[typ] {
					t.Errorf("read: %v\n%s", err, text)
				}
			}
			fits(reflect.Zero(typ))
			r := rand.New(rand.NewSource(1))
			for range 50 {
				if v, ok := random(typ, r); ok {
					fits(v)
				}
			}
		})
	}
}

// random makes a value, of the types that testing/quick can; the others' zero value has to do.
func random(typ reflect.Type, r *rand.Rand) (v reflect.Value, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false // quick sets no fields that are not exported
		}
	}()
	switch typ {
	case reflect.TypeFor[Kinds]():
		n := r.Intn(100)
		p := &n
		at := time.Unix(int64(n)*1e6, 0)
		return reflect.ValueOf(Kinds{I8: int8(-n), I: -n, U8: uint8(n), Bytes: []byte{1, byte(n)}, Odd: map[int]string{-n: "x"}, Any: []any{n, nil}, At: at, AtP: &at,
			Raw: json.RawMessage(`{"a":[]}`), Number: "1e3", Addr: netip.IPv6Loopback(), Big: big.NewInt(7), Ratio: big.NewRat(1, 3), Deep: &p}), true
	case reflect.TypeFor[Holder]():
		return reflect.ValueOf(Holder{SelfP: &Self{}, TextP: &Text{"x"}, Keys: map[Text]int{{"k"}: 1}, There: &OnPointer{}, Pointed: []OnPointer{{1}}}), true
	case reflect.TypeFor[*Holder]():
		return reflect.ValueOf(&Holder{SelfP: &Self{}, Text: Text{"y"}}), true
	case reflect.TypeFor[Embeds](), reflect.TypeFor[*Embeds]():
		e := Embeds{address: address{Street: "s"}, Base: &Base{ID: 1}}
		if typ.Kind() == reflect.Pointer {
			return reflect.ValueOf(&e), true
		}
		return reflect.ValueOf(e), true
	case reflect.TypeFor[Omits]():
		var none []int
		var p *int
		return reflect.ValueOf(Omits{P: new(int), N: &Node{}, S: []int{}, Z: []int{}, M: map[string]int{}, PS: &none, PP: &p, A: p}), true
	case reflect.TypeFor[Itself](), reflect.TypeFor[Tree](), reflect.TypeFor[List](), reflect.TypeFor[Wide](), reflect.TypeFor[Loop]():
		return v, false
	}
	return quick.Value(typ, r)
}

// TestSchemas holds some to what they look like, and to what they refuse.
func TestSchemas(t *testing.T) {
	for _, c := range []struct {
		of   reflect.Type
		want string
	}{
		{reflect.TypeFor[address](), `{"type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}`},
		{reflect.TypeFor[Embeds](), `{"type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"},"id":{"type":"integer"},"name":{"type":"string"}}}`},
		{reflect.TypeFor[Ambiguous](), `{"type":"object","properties":{"Left":{"type":"integer"},"Right":{"type":"integer"}}}`},
		{reflect.TypeFor[EmbedsName](), `{"type":"object","properties":{"Named":{"type":"string"}}}`},
		{reflect.TypeFor[Ping](), `{"type":"object","properties":{"Pong":{"type":["null","object"],"properties":{"Ping":{"type":["null","array"],"items":{"$ref":"#/$defs/Ping"}}}}},` +
			`"$defs":{"Ping":{"type":"object","properties":{"Pong":{"type":["null","object"],"properties":{"Ping":{"type":["null","array"],"items":{"$ref":"#/$defs/Ping"}}}}}}}}`},
		{reflect.TypeFor[List](), `{"type":["null","array"],"items":{"$ref":"#/$defs/List"},"$defs":{"List":{"type":["null","array"],"items":{"$ref":"#/$defs/List"}}}}`},
		{reflect.TypeFor[Promoted](), `true`},
		{reflect.TypeFor[*Checks](), `{"type":["null","object"],"properties":{"n":{"type":"integer"}}}`},
		{reflect.TypeFor[Hopeless](), `{"type":"object","properties":{"C":true,"F":true,"Z":true,"M":true,"M2":true}}`},
		{reflect.TypeFor[chan int](), `true`},
		{reflect.TypeFor[Itself](), `true`},
		{reflect.TypeFor[Text](), `{"type":"string"}`},
		{reflect.TypeFor[*Text](), `{"type":["null","string"]}`},
		{reflect.TypeFor[time.Time](), `{"type":"string","format":"date-time"}`},
		{reflect.TypeFor[[]byte](), `{"type":["null","string"],"contentEncoding":"base64"}`},
		{reflect.TypeFor[Quoted](), `{"type":"object","properties":{"N":{"type":"string"},"B":{"type":["null","string"]},"s":{"type":"string"},` +
			`"None":{"type":["null","array"],"items":{"type":"string"}},"T":{"type":"string"}}}`},
	} {
		s, err := Of(c.of)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(plain(t, c.want), plain(t, string(got))); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.of, d)
		}
	}
	for _, c := range []struct {
		of     reflect.Type
		schema func(reflect.Type) (*ours.Schema, error)
		text   string
		ok     bool
	}{
		{reflect.TypeFor[address](), Of, `{}`, true}, // nothing is required of a reader
		{reflect.TypeFor[address](), Of, `{"street":1}`, false},
		{reflect.TypeFor[address](), Written, `{}`, false},
		{reflect.TypeFor[address](), Written, `{"street":"a"}`, true},
		{reflect.TypeFor[address](), Written, `{"street":"a","Hidden":"b"}`, false},
		{reflect.TypeFor[Node](), Of, `{"Next":{"Next":{"Value":1}}}`, true},
		{reflect.TypeFor[Node](), Of, `{"Next":{"Next":{"Value":"1"}}}`, false},
		{reflect.TypeFor[Kinds](), Of, `{"I8":128}`, false},
		{reflect.TypeFor[Kinds](), Of, `{"U8":-1}`, false},
		{reflect.TypeFor[Kinds](), Of, `{"Three":[1,2]}`, false},
		{reflect.TypeFor[Kinds](), Of, `{"At":"yesterday"}`, false},
		{reflect.TypeFor[Kinds](), Of, `{"Odd":{"x":"y"}}`, false},
	} {
		if err := check(t, compiled(t, c.of, c.schema), c.text); (err == nil) != c.ok {
			t.Errorf("%s: %s: %v, want it to fit: %v", c.of, c.text, err, c.ok)
		}
	}
	// What is left out when it is nil is never null, and what a Maker knows is what it says.
	s, err := Maker{Full: true, Types: map[reflect.Type]*ours.Schema{
		reflect.TypeFor[Text](): {Ref: "#/x/Text"}, reflect.TypeFor[Node](): {Ref: "#/x/Node"}, reflect.TypeFor[Self](): {Type: "array"},
	}}.Written(reflect.TypeFor[struct {
		Omits
		T  *Text
		O  *Text `json:",omitzero"`
		L  []Self
		SP *Self
	}]())
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(s)
	const want = `{"type":"object","properties":{"P":{"type":"integer"},"N":{"$ref":"#/x/Node"},"S":{"type":"array","items":{"type":"integer"}},` +
		`"Z":{"type":"array","items":{"type":"integer"}},"M":{"type":"object","additionalProperties":{"type":"integer"}},` +
		`"PS":{"type":["null","array"],"items":{"type":"integer"}},"PP":{"type":["null","integer"]},"A":true,` +
		`"T":{"anyOf":[{"type":"null"},{"$ref":"#/x/Text"}]},"O":{"$ref":"#/x/Text"},"L":{"type":"array","items":{"type":"array"}},"SP":{"type":["null","array"]}},` +
		`"required":["T","L","SP"],"additionalProperties":false}`
	if d := cmp.Diff(plain(t, want), plain(t, string(got))); d != "" {
		t.Errorf("a Maker's (-want +got):\n%s", d)
	}
	if s, _ := Of(reflect.TypeFor[Kinds]()); s.Properties["said"].Description != "what was said, in full" || s.Properties["Any"].Description == "" {
		t.Errorf("descriptions: %+v", s.Properties)
	}
	if _, err := Of(nil); err == nil {
		t.Error("no type has a schema")
	}
}

// TestBounded: a type that is written out far longer than it is has a schema all the same, and is made once.
func TestBounded(t *testing.T) {
	s, err := Of(reflect.TypeFor[Wide]())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(s); err != nil || len(text) > 200_000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if again, _ := Of(reflect.TypeFor[Wide]()); again != s {
		t.Error("it is made again")
	}
}

func plain(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
