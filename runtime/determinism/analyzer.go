package determinism

import (
	"go/ast"
	"go/constant"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"
)

// enginePath is the package whose calls make workflow code.
const enginePath = "github.com/stepwell/stepwell/runtime"

// Analyzer reports what in workflow code would differ from one execution to
// the next, each with what to use instead.
var Analyzer = &analysis.Analyzer{
	Name: "determinism",
	Doc: `report what a replay of a workflow would not repeat

A workflow function runs again after a crash or a long wait. The clock, chance,
goroutines, channels, locks, the order of a map, and input and output differ
then, so they belong into a step, or have a counterpart in package runtime.
//stepwell:ok REASON on the line keeps a finding back.`,
	URL: "https://pkg.go.dev/github.com/stepwell/stepwell/runtime/determinism",
	Run: run,
}

var testCode bool

func init() {
	Analyzer.Flags.BoolVar(&testCode, "testcode", false, "look at workflows defined in test files too")
}

func run(pass *analysis.Pass) (any, error) {
	if !importsEngine(pass) {
		return nil, nil
	}
	p := newProgram(pass)
	ok := newSuppressions(pass)
	w := &walker{program: p, ok: ok, seen: map[ast.Node]bool{}}
	for _, r := range p.roots() {
		w.start(r)
	}
	return nil, nil
}

func importsEngine(pass *analysis.Pass) bool {
	for _, p := range pass.Pkg.Imports() {
		if p.Path() == enginePath {
			return true
		}
	}
	return false
}

// root is a function that the engine will call as workflow code.
type root struct {
	name string // for people
	fn   ast.Expr
}

// roots finds them: definitions anywhere, and branches wherever they do not
// belong to a step, in which the same calls are plain concurrency.
func (p *program) roots() (found []root) {
	inStep := p.steps()
	for _, f := range p.pass.Files {
		if !testCode && strings.HasSuffix(p.pass.Fset.File(f.Pos()).Name(), "_test.go") {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch name := p.engineCall(call); name {
			case "Define":
				for _, arg := range call.Args {
					if p.isFunc(arg) {
						found = append(found, root{"workflow " + p.text(call.Args[0]), arg})
					}
				}
			case "Go", "Map", "OnUpdate":
				for _, arg := range call.Args {
					if p.isFunc(arg) && !inStep(call) {
						found = append(found, root{"a function handed to runtime." + name, arg})
					}
				}
			}
			return true
		})
	}
	return found
}

// engineCall returns the name of the engine's function that is called, "" when
// it is another.
func (p *program) engineCall(call *ast.CallExpr) string {
	fn := typeutil.StaticCallee(p.pass.TypesInfo, call)
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != enginePath || fn.Signature().Recv() != nil {
		return ""
	}
	return fn.Name()
}

// text is a constant string as it is written, or else a placeholder.
func (p *program) text(e ast.Expr) string {
	if v := p.pass.TypesInfo.Types[e].Value; v != nil && v.Kind() == constant.String {
		return v.ExactString()
	}
	return "function"
}
