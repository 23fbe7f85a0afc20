package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// order decides whether the turns of a loop over a map could come in any
// order: it counts, fills another map, collects what is sorted afterwards, or
// looks for something that is there or not.
type order struct {
	*walker
	loop *ast.RangeStmt
	// answer is what the loop returns, the same in each of its returns.
	answer *string
}

func (o *order) freeAll(list []ast.Stmt) bool {
	for _, s := range list {
		if !o.free(s) {
			return false
		}
	}
	return true
}

func (o *order) free(s ast.Stmt) bool {
	switch s := s.(type) {
	case nil, *ast.EmptyStmt, *ast.DeclStmt:
		return true
	case *ast.BlockStmt:
		return o.freeAll(s.List)
	case *ast.LabeledStmt:
		return o.free(s.Stmt)
	case *ast.BranchStmt:
		return true // what has been changed until then is looked at by itself
	case *ast.IncDecStmt:
		return o.exact(s.X)
	case *ast.ExprStmt:
		return o.builtin(s.X, "delete", "clear")
	case *ast.AssignStmt:
		return o.quietAll(s.Rhs) && o.assigns(s)
	case *ast.ReturnStmt:
		return o.sameAnswer(s)
	case *ast.IfStmt:
		return o.free(s.Init) && o.quiet(s.Cond) && (o.best(s) || o.free(s.Body) && o.free(s.Else))
	case *ast.SwitchStmt:
		return o.free(s.Init) && o.quiet(s.Tag) && o.freeAll(s.Body.List)
	case *ast.TypeSwitchStmt:
		return o.free(s.Init) && o.freeAll(s.Body.List)
	case *ast.CaseClause:
		return o.quietAll(s.List) && o.freeAll(s.Body)
	case *ast.ForStmt:
		return o.free(s.Init) && o.quiet(s.Cond) && o.free(s.Post) && o.free(s.Body)
	case *ast.RangeStmt:
		return o.quiet(s.X) && o.free(s.Body)
	}
	return false
}

// assigns tells whether an assignment leaves the same whichever turn comes last.
func (o *order) assigns(s *ast.AssignStmt) bool {
	switch s.Tok {
	case token.DEFINE:
		return true
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.MUL_ASSIGN, token.OR_ASSIGN, token.AND_ASSIGN, token.XOR_ASSIGN, token.AND_NOT_ASSIGN:
		return o.local(s.Lhs[0]) || o.exact(s.Lhs[0])
	case token.ASSIGN:
	default:
		return o.local(s.Lhs[0])
	}
	for i, to := range s.Lhs {
		if o.local(to) {
			continue
		}
		if len(s.Rhs) != len(s.Lhs) || !o.settles(to, s.Rhs[i], s.End()) {
			return false
		}
	}
	return true
}

// settles tells whether to = from is the same in any order of turns.
func (o *order) settles(to, from ast.Expr, end token.Pos) bool {
	if o.pass.TypesInfo.Types[from].Value != nil { // a constant: found = true
		return true
	}
	if at, ok := to.(*ast.IndexExpr); ok {
		// Another map under a key of this turn's own.
		_, isMap := under(o.pass.TypesInfo.TypeOf(at.X)).(*types.Map)
		return isMap && o.perTurn(at.Index)
	}
	call, ok := ast.Unparen(from).(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	switch {
	case o.builtin(call, "append"):
		return types.ExprString(call.Args[0]) == types.ExprString(to) && o.sortedAfter(to, max(end, o.loop.End()))
	case o.builtin(call, "min", "max"):
		return mentions(call, types.ExprString(to))
	}
	return false
}

// perTurn tells whether e depends on the turn.
func (o *order) perTurn(e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && o.local(id) {
			found = true
		}
		return !found
	})
	return found
}

// local tells whether e belongs to one turn of the loop.
func (o *order) local(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		obj := o.pass.TypesInfo.ObjectOf(e)
		return e.Name == "_" || obj != nil && within(o.loop, obj.Pos())
	case *ast.SelectorExpr:
		return o.local(e.X)
	}
	return false
}

// exact tells whether adding to e gives the same in any order: so it is with
// integers, but not with floats, which round, nor with strings.
func (o *order) exact(e ast.Expr) bool {
	b, ok := under(o.pass.TypesInfo.TypeOf(e)).(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}

// best is: if v > most { most = v }, and nothing beside it.
func (o *order) best(s *ast.IfStmt) bool {
	cond, ok := ast.Unparen(s.Cond).(*ast.BinaryExpr)
	if !ok || s.Else != nil || len(s.Body.List) != 1 {
		return false
	}
	set, ok := s.Body.List[0].(*ast.AssignStmt)
	if !ok || set.Tok != token.ASSIGN || len(set.Lhs) != 1 || len(set.Rhs) != 1 {
		return false
	}
	switch cond.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
	default:
		return false
	}
	x, y := types.ExprString(cond.X), types.ExprString(cond.Y)
	to, from := types.ExprString(set.Lhs[0]), types.ExprString(set.Rhs[0])
	return x == to && y == from || x == from && y == to
}

// sameAnswer tells whether the loop returns constants only, always the same.
func (o *order) sameAnswer(s *ast.ReturnStmt) bool {
	text := ""
	for _, e := range s.Results {
		tv := o.pass.TypesInfo.Types[e]
		if tv.Value == nil && !tv.IsNil() {
			if id, ok := ast.Unparen(e).(*ast.Ident); !ok || o.local(id) {
				return false
			}
		}
		text += types.ExprString(e) + ","
	}
	if o.answer == nil {
		o.answer = &text
	}
	return *o.answer == text
}

func (o *order) builtin(e ast.Expr, names ...string) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || !o.quietAll(call.Args) {
		return false
	}
	b, ok := typeutil.Callee(o.pass.TypesInfo, call).(*types.Builtin)
	if !ok {
		return false
	}
	for _, n := range names {
		if b.Name() == n {
			return true
		}
	}
	return false
}

func (o *order) quietAll(list []ast.Expr) bool {
	for _, e := range list {
		if !o.quiet(e) {
			return false
		}
	}
	return true
}

// quiet tells whether an expression asks nothing of the engine: what takes a
// context may.
func (o *order) quiet(e ast.Expr) bool {
	if e == nil {
		return true
	}
	quiet := true
	ast.Inspect(e, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return quiet
		}
		if o.engineCall(call) != "" || takesContext(signature(o.pass.TypesInfo.TypeOf(call.Fun))) {
			quiet = false
		}
		return quiet
	})
	return quiet
}
