package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

const (
	mapOrder   = "a map is gone through in another order each time"
	sortedKeys = "range over slices.Sorted(maps.Keys(m))"
)

// ranges looks at a loop whose order, or number of turns, a replay may not keep.
func (w *walker) ranges(loop *ast.RangeStmt) {
	if w.probe != nil {
		return
	}
	switch under(w.pass.TypesInfo.TypeOf(loop.X)).(type) {
	case *types.Chan:
		w.report(loop, "what a channel carries is lost in a replay", "use a future's Wait or runtime.Receive")
	case *types.Map:
		if loop.Key == nil && loop.Value == nil {
			return
		}
		o := &order{walker: w, loop: loop}
		if !o.freeAll(loop.Body.List) {
			w.report(loop, mapOrder, sortedKeys)
		}
	}
}

// orderOf looks at a call that hands out the contents of a map in its order.
func (w *walker) orderOf(call *ast.CallExpr) {
	if w.probe != nil || w.body == nil {
		return
	}
	fn := typeutil.StaticCallee(w.pass.TypesInfo, call)
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != "maps" || !slices.Contains([]string{"Keys", "Values", "All"}, fn.Name()) {
		return
	}
	if !w.orderless(call) {
		w.report(call, mapOrder, "use slices.Sorted(maps.Keys(m))")
	}
}

// orderless tells whether what a call of package maps gives is sorted, or goes
// where the order is lost again.
func (w *walker) orderless(call ast.Expr) bool {
	around := parents(w.body, call)
	if len(around) == 0 {
		return true // not found: say nothing
	}
	outer, ok := around[len(around)-1].(*ast.CallExpr)
	if !ok || outer.Fun == call {
		return false
	}
	fn := typeutil.StaticCallee(w.pass.TypesInfo, outer)
	if fn == nil || fn.Pkg() == nil {
		return false
	}
	switch name := fn.Pkg().Path() + "." + fn.Name(); name {
	case "slices.Sorted", "slices.SortedFunc", "slices.SortedStableFunc", "maps.Collect", "maps.Insert":
		return true
	case "slices.Collect":
		if len(around) < 2 {
			return false
		}
		assign, ok := around[len(around)-2].(*ast.AssignStmt)
		return ok && len(assign.Lhs) == 1 && w.sortedAfter(assign.Lhs[0], assign.End())
	}
	return false
}

// parents lists the nodes around e, from the outermost in.
func parents(in ast.Node, e ast.Node) (around []ast.Node) {
	var stack, found []ast.Node
	ast.Inspect(in, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if n == e {
			found = slices.Clone(stack)
		}
		stack = append(stack, n)
		return true
	})
	return found
}

// sortedAfter tells whether the function sorts what is called list, further down.
func (w *walker) sortedAfter(list ast.Expr, after token.Pos) (found bool) {
	if w.body == nil {
		return false
	}
	name := types.ExprString(list)
	ast.Inspect(w.body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || call.Pos() < after || len(call.Args) == 0 {
			return true
		}
		fn := typeutil.StaticCallee(w.pass.TypesInfo, call)
		if fn == nil || fn.Pkg() == nil {
			return true
		}
		sorts := fn.Pkg().Path() == "sort" && fn.Name() != "Search" || fn.Pkg().Path() == "slices" && strings.HasPrefix(fn.Name(), "Sort") ||
			strings.HasPrefix(strings.ToLower(fn.Name()), "sort")
		if sorts && mentions(call.Args[0], name) {
			found = true
		}
		return !found
	})
	return found
}

// mentions tells whether e is name, or has it somewhere in it.
func mentions(e ast.Expr, name string) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(ast.Expr); ok && types.ExprString(x) == name {
			found = true
		}
		return !found
	})
	return found
}

func under(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	if tp, ok := types.Unalias(t).(*types.TypeParam); ok {
		if core, ok := coreOf(tp); ok {
			return core
		}
	}
	return t.Underlying()
}

// coreOf is the one type that all of a type parameter's have underneath.
func coreOf(tp *types.TypeParam) (types.Type, bool) {
	i, ok := tp.Constraint().Underlying().(*types.Interface)
	if !ok || i.NumEmbeddeds() != 1 {
		return nil, false
	}
	if u, ok := i.EmbeddedType(0).(*types.Union); ok {
		if u.Len() != 1 {
			return nil, false
		}
		return u.Term(0).Type().Underlying(), true
	}
	return i.EmbeddedType(0).Underlying(), true
}
