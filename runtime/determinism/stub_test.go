package determinism_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestStub holds the engine that the test packages are compiled against to the
// real one: the same functions, each with functions in the same places.
func TestStub(t *testing.T) {
	pkgs, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps}, "github.com/stepwell/stepwell/runtime")
	if err != nil || len(pkgs) != 1 || pkgs[0].Types == nil {
		t.Fatalf("load the engine: %v, %v", pkgs, err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), "testdata/src/github.com/stepwell/stepwell/runtime/runtime.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil {
			continue
		}
		name := fn.Name.Name
		real, ok := pkgs[0].Types.Scope().Lookup(name).(*types.Func)
		if !ok {
			t.Errorf("the engine has no function %s", name)
			continue
		}
		checked++
		params := real.Signature().Params()
		i := 0
		for _, field := range fn.Type.Params.List {
			_, isFunc := field.Type.(*ast.FuncType)
			for range max(len(field.Names), 1) {
				if i >= params.Len() {
					t.Errorf("%s has fewer parameters than here", name)
					break
				}
				if _, realFunc := params.At(i).Type().Underlying().(*types.Signature); isFunc != realFunc {
					t.Errorf("%s: parameter %d is a function here %t, in the engine %t", name, i, isFunc, realFunc)
				}
				i++
			}
		}
	}
	if checked < 8 {
		t.Errorf("compared %d functions", checked)
	}
}
