package determinism

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// walker goes through workflow code and reports what it finds; as a probe it
// only finds out what becomes of one parameter.
type walker struct {
	*program
	ok   *suppressions
	seen map[ast.Node]bool
	root string         // what the engine calls
	at   token.Pos      // where it is handed over
	path []string       // the functions called from there, to where the walker is
	body *ast.BlockStmt // of the function it is in
	own  ast.Node       // the outermost function of workflow code around it

	probe *types.Var
	found use
}

// follow walks what the engine, or workflow code, calls.
func (w *walker) follow(e ast.Expr) {
	if w.probe != nil {
		if w.isProbe(e) {
			w.found = useCalled
		}
		if lit, ok := ast.Unparen(e).(*ast.FuncLit); ok {
			w.look(lit.Body)
		}
		return
	}
	// A function that defines workflows around functions it is handed.
	for _, e := range append(w.given(e, w.at), e) {
		for _, n := range w.resolve(e) {
			name := ""
			if d, ok := n.(*ast.FuncDecl); ok {
				name = d.Name.Name
			}
			w.enter(n, name)
		}
	}
}

func (w *walker) isProbe(e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && w.probe != nil && w.pass.TypesInfo.ObjectOf(id) == w.probe
}

// start walks what the engine calls.
func (w *walker) start(r root) {
	w.root, w.at = r.name, r.fn.Pos()
	for _, e := range append(w.given(r.fn, w.at), r.fn) {
		for _, n := range w.resolve(e) {
			w.enter(n, "")
		}
	}
}

// enter walks a function, once. The name is that under which it was called,
// empty for the root.
func (w *walker) enter(n ast.Node, name string) {
	if w.seen[n] {
		return
	}
	w.seen[n] = true
	body, own := w.body, w.own
	defer func() { w.body, w.own = body, own }()
	if own == nil || !within(own, n.Pos()) {
		w.own = n
	}
	switch n := n.(type) {
	case *ast.FuncLit:
		w.body = n.Body
	case *ast.FuncDecl:
		if w.ok.covers(n) {
			return
		}
		w.body = n.Body
	}
	if name != "" {
		w.path = append(w.path, name)
		defer func() { w.path = w.path[:len(w.path)-1] }()
	}
	w.look(w.body)
}

func (w *walker) report(at ast.Node, what, instead string) {
	if w.probe != nil || w.ok.at(at.Pos()) {
		return
	}
	from := ""
	if n := len(w.path); n > 0 {
		from = fmt.Sprintf(" (%s is workflow code: %s calls it)", w.path[n-1], w.caller())
	}
	w.pass.Reportf(at.Pos(), "%s; %s%s", what, instead, from)
}

// caller is who calls the function that the walker is in.
func (w *walker) caller() string {
	if n := len(w.path); n > 1 {
		return w.path[n-2]
	}
	return w.root
}

// look goes through a piece of code, once.
func (w *walker) look(n ast.Node) {
	if n != nil {
		ast.Inspect(n, w.node)
	}
}

func lookAll[N ast.Node](w *walker, nodes []N) {
	for _, n := range nodes {
		w.look(n)
	}
}

// node looks at one node, and tells whether to go on to those in it.
func (w *walker) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		return false // it is walked where it is called
	case *ast.GoStmt:
		w.report(n, "a goroutine of its own is unknown to the engine and runs again in each replay", "use runtime.Go or runtime.Map")
		lookAll(w, n.Call.Args)
		return false
	case *ast.SelectStmt:
		w.report(n, "select takes whichever channel is ready first, another one in a replay", "use runtime.Select on futures, or runtime.Receive with a timeout")
		for _, c := range n.Body.List {
			lookAll(w, c.(*ast.CommClause).Body)
		}
		return false
	case *ast.SendStmt:
		w.report(n, "what a channel carries is lost in a replay", "return values from runtime.Go, or use runtime.Send")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW && !w.banned(n.X) {
			w.report(n, "what a channel carries is lost in a replay", "use a future's Wait, runtime.Receive or runtime.Sleep")
		}
	case *ast.RangeStmt:
		w.ranges(n)
	case *ast.ExprStmt:
		w.dropped(n)
	case *ast.AssignStmt:
		w.dropped(n)
		w.state(n)
	case *ast.IncDecStmt:
		w.state(n)
	case *ast.CallExpr:
		w.call(n)
		return false
	case *ast.SelectorExpr:
		w.name(n, n.Sel)
		w.look(n.X)
		return false
	case *ast.Ident:
		w.name(n, n)
	}
	return true
}

// name reports the use of something that a rule knows.
func (w *walker) name(at ast.Node, id *ast.Ident) {
	if r, what := ruleFor(w.pass.TypesInfo.Uses[id]); r != nil {
		w.report(at, what+" "+r.why, "use "+r.instead)
	}
}

// banned tells whether e is a call that is reported itself.
func (w *walker) banned(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	r, _ := ruleFor(typeutil.Callee(w.pass.TypesInfo, call))
	return r != nil
}

func (w *walker) call(call *ast.CallExpr) {
	fun := ast.Unparen(call.Fun)
	if w.pass.TypesInfo.Types[fun].IsType() {
		for _, arg := range call.Args {
			w.arg(arg, useUnknown)
		}
		return
	}
	w.orderOf(call)
	w.contextOf(call)
	w.look(fun)
	if w.engineCall(call) == "" {
		w.follow(fun)
	}
	for i, arg := range call.Args {
		how := useUnknown
		if w.isFunc(arg) {
			how = w.useOf(call, i)
		}
		w.arg(arg, how)
	}
}

func (w *walker) arg(e ast.Expr, how use) {
	if !w.isFunc(e) {
		w.look(e)
		return
	}
	// Made by a call: that call is workflow code, whatever becomes of its result.
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok {
		w.call(call)
	}
	switch how {
	case useCalled:
		if ref := ast.Unparen(e); w.probe == nil {
			if sel, ok := ref.(*ast.SelectorExpr); ok {
				w.name(sel, sel.Sel)
			} else if id, ok := ref.(*ast.Ident); ok {
				w.name(id, id)
			}
		}
		w.follow(e)
	case useStep:
		if w.isProbe(e) {
			w.found = max(w.found, useStep)
		}
		w.leaks(e)
	}
}
