package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"
)

// program is what is known of the package under analysis.
type program struct {
	pass  *analysis.Pass
	decls map[*types.Func]*ast.FuncDecl
	// values are the functions a variable is ever set to.
	values map[*types.Var][]ast.Expr
	// args are the functions that callers hand to a parameter.
	args map[*types.Var][]ast.Expr
	// params says what functions do with those handed to them; useUnknown while
	// it is being found out.
	params map[*types.Var]use
}

func newProgram(pass *analysis.Pass) *program {
	p := &program{
		pass: pass, decls: map[*types.Func]*ast.FuncDecl{}, values: map[*types.Var][]ast.Expr{},
		args: map[*types.Var][]ast.Expr{}, params: map[*types.Var]use{},
	}
	for _, f := range pass.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if fn, ok := pass.TypesInfo.Defs[n.Name].(*types.Func); ok && n.Body != nil {
					p.decls[fn] = n
				}
			case *ast.CallExpr:
				if fn := typeutil.StaticCallee(pass.TypesInfo, n); fn != nil {
					for i, arg := range n.Args {
						if v := param(fn.Origin().Signature(), i); v != nil && p.isFunc(arg) {
							p.args[v] = append(p.args[v], arg)
						}
					}
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if len(n.Values) == len(n.Names) {
						p.set(name, n.Values[i])
					}
				}
			case *ast.AssignStmt:
				for i, to := range n.Lhs {
					if name, ok := to.(*ast.Ident); ok && len(n.Rhs) == len(n.Lhs) {
						p.set(name, n.Rhs[i])
					}
				}
			}
			return true
		})
	}
	return p
}

func (p *program) set(name *ast.Ident, to ast.Expr) {
	if v, ok := p.pass.TypesInfo.ObjectOf(name).(*types.Var); ok && p.isFunc(to) {
		p.values[v] = append(p.values[v], to)
	}
}

// isFunc tells whether e is a value that can be called.
func (p *program) isFunc(e ast.Expr) bool {
	t := p.pass.TypesInfo.TypeOf(e)
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Signature)
	return ok
}

// resolve returns the declarations and literals in this package that e may
// stand for.
func (p *program) resolve(e ast.Expr) []ast.Node { return p.resolveTo(e, map[types.Object]bool{}) }

func (p *program) resolveTo(e ast.Expr, seen map[types.Object]bool) (found []ast.Node) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return p.resolveTo(e.X, seen)
	case *ast.IndexExpr: // an instance of a generic function
		return p.resolveTo(e.X, seen)
	case *ast.IndexListExpr:
		return p.resolveTo(e.X, seen)
	case *ast.FuncLit:
		return []ast.Node{e}
	case *ast.SelectorExpr:
		return p.resolveTo(e.Sel, seen)
	case *ast.Ident:
		switch obj := p.pass.TypesInfo.ObjectOf(e).(type) {
		case *types.Func:
			if d := p.decls[obj.Origin()]; d != nil {
				return []ast.Node{d}
			}
		case *types.Var:
			if seen[obj] {
				return nil
			}
			seen[obj] = true
			for _, v := range p.values[obj] {
				found = append(found, p.resolveTo(v, seen)...)
			}
		}
	case *ast.CallExpr:
		if p.pass.TypesInfo.Types[e.Fun].IsType() && len(e.Args) == 1 {
			return p.resolveTo(e.Args[0], seen)
		}
		fn := typeutil.StaticCallee(p.pass.TypesInfo, e)
		if fn == nil || seen[fn.Origin()] {
			return nil
		}
		seen[fn.Origin()] = true
		for _, ret := range p.returned(p.decls[fn.Origin()]) {
			found = append(found, p.resolveTo(ret, seen)...)
		}
	}
	return found
}

// returned lists the functions that d returns.
func (p *program) returned(d *ast.FuncDecl) (found []ast.Expr) {
	if d == nil {
		return nil
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			for _, e := range n.Results {
				if p.isFunc(e) {
					found = append(found, e)
				}
			}
		}
		return true
	})
	return found
}

// use says what becomes of a function that is handed to another.
type use int

const (
	useUnknown use = iota // kept somewhere: not followed
	useStep               // it runs in a step
	useCalled             // it is called as part of the caller
)

// useOf tells what the call does with its argument number i, a function.
func (p *program) useOf(call *ast.CallExpr, i int) use {
	switch p.engineCall(call) {
	case "Step", "Tx", "Compensate":
		return useStep
	case "Define":
		return useUnknown // a root by itself
	case "":
	default:
		return useCalled
	}
	fn := typeutil.StaticCallee(p.pass.TypesInfo, call)
	if fn == nil {
		return useUnknown
	}
	fn = fn.Origin()
	if d := p.decls[fn]; d != nil {
		return p.useIn(d, param(fn.Signature(), i))
	}
	if takesContext(fn.Signature()) && takesContext(signature(p.pass.TypesInfo.TypeOf(call.Args[i]))) {
		return useUnknown // as a step of another package's making would
	}
	return useCalled
}

// useIn tells what d does with the function in its parameter.
func (p *program) useIn(d *ast.FuncDecl, v *types.Var) use {
	if v == nil {
		return useUnknown
	}
	if _, known := p.params[v]; !known {
		p.params[v] = useUnknown
		probe := &walker{program: p, seen: map[ast.Node]bool{}, probe: v}
		probe.look(d.Body)
		p.params[v] = probe.found
	}
	return p.params[v]
}

// given lists what is handed to the parameter that e names, if it is one of
// the function around pos.
func (p *program) given(e ast.Expr, pos token.Pos) []ast.Expr {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return nil
	}
	v, ok := p.pass.TypesInfo.ObjectOf(id).(*types.Var)
	if !ok {
		return nil
	}
	for _, d := range p.decls {
		if within(d, pos) && within(d, v.Pos()) {
			return p.args[v]
		}
	}
	return nil
}

func within(n ast.Node, pos token.Pos) bool { return n.Pos() <= pos && pos < n.End() }

// steps returns whether a node belongs to code that runs in a step, as far as
// the package shows.
func (p *program) steps() func(ast.Node) bool {
	marked := map[ast.Node]bool{}
	var mark func(e ast.Expr)
	mark = func(e ast.Expr) {
		for _, n := range p.resolve(e) {
			if marked[n] {
				continue
			}
			marked[n] = true
			ast.Inspect(n, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					mark(call.Fun)
				}
				return true
			})
		}
	}
	for _, f := range p.pass.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				for i, arg := range call.Args {
					if p.isFunc(arg) && p.useOf(call, i) == useStep {
						mark(arg)
					}
				}
			}
			return true
		})
	}
	return func(n ast.Node) bool {
		for m := range marked {
			if within(m, n.Pos()) {
				return true
			}
		}
		return false
	}
}

// param returns the parameter that argument number i goes to.
func param(sig *types.Signature, i int) *types.Var {
	n := sig.Params().Len()
	if n == 0 || sig.Variadic() && i >= n-1 || i >= n {
		return nil
	}
	return sig.Params().At(i)
}

func signature(t types.Type) *types.Signature {
	if t == nil {
		return nil
	}
	sig, _ := t.Underlying().(*types.Signature)
	return sig
}

// takesContext tells whether a function's first parameter is a context.
func takesContext(sig *types.Signature) bool {
	if sig == nil || sig.Params().Len() == 0 {
		return false
	}
	named, ok := types.Unalias(sig.Params().At(0).Type()).(*types.Named)
	return ok && named.Obj().Name() == "Context" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "context"
}
