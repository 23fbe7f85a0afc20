package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// changes goes through the variables that a piece of code changes: itself, a
// field of it, or what it holds. What is reached through a pointer is not the
// variable's.
func (p *program) changes(n ast.Node, found func(at ast.Expr, v *types.Var)) {
	change := func(e ast.Expr) {
		if v := p.variable(e); v != nil {
			found(e, v)
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		for _, to := range n.Lhs {
			if id, ok := to.(*ast.Ident); !ok || p.pass.TypesInfo.Defs[id] == nil {
				change(to)
			}
		}
	case *ast.IncDecStmt:
		change(n.X)
	}
}

// variable is the one that holds e.
func (p *program) variable(e ast.Expr) *types.Var {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		v, _ := p.pass.TypesInfo.ObjectOf(e).(*types.Var)
		return v
	case *ast.IndexExpr:
		return p.variable(e.X)
	case *ast.SelectorExpr:
		if s := p.pass.TypesInfo.Selections[e]; s == nil || !s.Indirect() {
			if s == nil {
				return p.variable(e.Sel) // of another package
			}
			return p.variable(e.X)
		}
	}
	return nil
}

// global tells a variable of a package.
func global(v *types.Var) bool { return v.Pkg() != nil && v.Parent() == v.Pkg().Scope() }

// state reports variables of a package that workflow code changes.
func (w *walker) state(n ast.Node) {
	w.changes(n, func(at ast.Expr, v *types.Var) {
		if global(v) {
			w.report(at, v.Name()+" is changed again in each replay", "use a variable of the function, or change it in a runtime.Step")
		}
	})
}

// leaks reports variables of the workflow that a step changes: a replay takes
// the step's result from the history, and the variable stays as it was.
func (w *walker) leaks(step ast.Expr) {
	lit, ok := ast.Unparen(step).(*ast.FuncLit)
	if !ok || w.own == nil {
		return
	}
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		w.changes(n, func(at ast.Expr, v *types.Var) {
			if within(w.own, v.Pos()) && !within(lit, v.Pos()) && w.readOutside(v, lit) {
				w.report(at, v.Name()+" keeps its old value in a replay, which does not run the step again", "return the new value from the step")
			}
		})
		return true
	})
}

func (w *walker) readOutside(v *types.Var, lit *ast.FuncLit) bool {
	for id, obj := range w.pass.TypesInfo.Uses {
		if obj == v && !within(lit, id.Pos()) {
			return true
		}
	}
	return false
}

// contextOf reports a call of the engine with a context that knows nothing of
// the run.
func (w *walker) contextOf(call *ast.CallExpr) {
	fn := typeutil.StaticCallee(w.pass.TypesInfo, call)
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != enginePath || len(call.Args) == 0 {
		return
	}
	arg, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr)
	if !ok {
		return
	}
	from := typeutil.StaticCallee(w.pass.TypesInfo, arg)
	if from == nil || from.Pkg() == nil || from.Pkg().Path() != "context" || from.Name() != "Background" && from.Name() != "TODO" {
		return
	}
	w.report(arg, "runtime."+fn.Name()+" does not see the run in context."+from.Name()+", and records nothing", "use the ctx that the workflow function was given")
}

// dropped reports a call of ContinueAs whose error goes nowhere: the run would
// just end.
func (w *walker) dropped(n ast.Node) {
	var e ast.Expr
	switch n := n.(type) {
	case *ast.ExprStmt:
		e = n.X
	case *ast.AssignStmt:
		if len(n.Rhs) == 1 && blank(n) {
			e = n.Rhs[0]
		}
	}
	if call, ok := e.(*ast.CallExpr); ok && w.engineCall(call) == "ContinueAs" {
		w.report(n, "the run does not go on by runtime.ContinueAs alone", "return its error from the workflow function")
	}
}

// blank tells whether an assignment throws away all it gets.
func blank(s *ast.AssignStmt) bool {
	for _, to := range s.Lhs {
		if id, ok := to.(*ast.Ident); !ok || id.Name != "_" || s.Tok != token.ASSIGN {
			return false
		}
	}
	return true
}
