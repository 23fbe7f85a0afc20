package check

import (
	"go/ast"
	"go/token"
	"path"
)

// Sleep finds tests that wait for real time to pass: slow when it is long enough, flaky when it is not. In a synctest
// bubble it takes no time: in a function that opens one, and in one that is handed to such a function.
func Sleep(t Tree) (found []Problem) {
	byPackage := map[string][]File{}
	for _, f := range t.goFiles() {
		if f.isTest() {
			byPackage[path.Dir(f.Path)] = append(byPackage[path.Dir(f.Path)], f)
		}
	}
	for _, files := range byPackage {
		open := bubbleOpeners(files)
		for _, f := range files {
			for _, decl := range f.AST.Decls {
				if timeName := f.imported("time"); timeName != "" && !usesBubble(f, decl) {
					found = append(found, sleeps(f, decl, timeName, open)...)
				}
			}
		}
	}
	return sorted(found)
}

func usesBubble(f File, decl ast.Decl) bool {
	name := f.imported("testing/synctest")
	return name != "" && contained(decl, func(n ast.Node) bool { return selects(n, name, "") })
}

// bubbleOpeners names the functions of a package that open a bubble, themselves or through another of them.
func bubbleOpeners(files []File) map[string]bool {
	open := map[string]bool{}
	for grew := true; grew; {
		grew = false
		for _, f := range files {
			for _, decl := range f.AST.Decls {
				d, ok := decl.(*ast.FuncDecl)
				if !ok || open[d.Name.Name] {
					continue
				}
				open[d.Name.Name] = usesBubble(f, d) || contained(d, func(n ast.Node) bool { return calls(n, open) })
				grew = grew || open[d.Name.Name]
			}
		}
	}
	return open
}

func sleeps(f File, decl ast.Node, timeName string, open map[string]bool) (found []Problem) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			// What is handed over runs in the bubble.
			return !calls(n, open)
		case *ast.CommClause:
			// As one case of several, a timer is a timeout.
			for _, s := range n.Body {
				found = append(found, sleeps(f, s, timeName, open)...)
			}
			return false
		}
		if isSleep(n, timeName) {
			found = append(found, f.problem(n.Pos(), "waits for real time: use synctest.Test, or wait for the event itself (a channel, a poll with a time.Ticker and a deadline)"))
		}
		return true
	})
	return found
}

// calls tells whether n is a call of one of the functions or methods named.
func calls(n ast.Node, names map[string]bool) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return names[fun.Name]
	case *ast.SelectorExpr:
		return names[fun.Sel.Name]
	}
	return false
}

// isSleep tells whether n is time.Sleep under any guise: passed as a value, or <-time.After as a statement.
func isSleep(n ast.Node, timeName string) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		return selects(n, timeName, "Sleep")
	case *ast.ExprStmt:
		recv, ok := n.X.(*ast.UnaryExpr)
		if !ok || recv.Op != token.ARROW {
			return false
		}
		call, ok := recv.X.(*ast.CallExpr)
		return ok && (selects(call.Fun, timeName, "After") || selects(call.Fun, timeName, "Tick"))
	}
	return false
}

// contained tells whether is holds for n or something in it.
func contained(n ast.Node, is func(ast.Node) bool) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		found = found || n != nil && is(n)
		return !found
	})
	return found
}

// selects tells whether n is a name of the package called pkg; an empty name stands for any.
func selects(n ast.Node, pkg, name string) bool {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg && (name == "" || s.Sel.Name == name)
}
