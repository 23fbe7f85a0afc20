package check

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

// realTime lists the test files whose subject is real time itself. It may only shrink.
var realTime = map[string]string{
	"runtime/internal/isolate/measure_test.go": "its steps stand for real waits on a network, in a child that is measured from outside",
}

// Sleep finds tests that wait for real time to pass: slow when it is long enough, flaky when it is not. In a synctest
// bubble it takes no time: in a function that opens one, in one that is handed to such a function, and in a helper
// that only they use.
func Sleep(t Tree) []Problem { return sleep(t, realTime) }

func sleep(t Tree, realTime map[string]string) (found []Problem) {
	byPackage := map[string][]File{}
	for _, f := range t.goFiles() {
		if f.isTest() {
			byPackage[path.Dir(f.Path)] = append(byPackage[path.Dir(f.Path)], f)
		}
	}
	used := map[string]bool{}
	for _, files := range byPackage {
		open := bubbleOpeners(files)
		inside := bubbleHelpers(files, open)
		for _, f := range files {
			timeName := f.imported("time")
			for _, decl := range f.AST.Decls {
				if d, ok := decl.(*ast.FuncDecl); timeName == "" || usesBubble(f, decl) || ok && inside[d.Name.Name] {
					continue
				}
				problems := sleeps(f, decl, timeName, open)
				if realTime[f.Path] == "" {
					found = append(found, problems...)
				} else if len(problems) > 0 {
					used[f.Path] = true
				}
			}
		}
	}
	for p := range realTime {
		if !used[p] {
			found = append(found, Problem{Path: p, Text: "needs no exception for its sleeps: take it off the list in runtime/internal/check/sleep.go"})
		}
	}
	return sorted(found)
}

func usesBubble(f File, decl ast.Decl) bool {
	for pkg, fn := range map[string]string{"testing/synctest": "", module + "/runtime/runtimetest": "Run"} {
		name := f.imported(pkg)
		if name != "" && contained(decl, func(n ast.Node) bool { return selects(n, name, fn) }) {
			return true
		}
	}
	return false
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

// bubbleHelpers names the functions that all who mention them call in a bubble: openers, and such helpers again.
func bubbleHelpers(files []File, open map[string]bool) map[string]bool {
	inside, users := map[string]bool{}, map[string][]string{}
	for _, f := range files {
		for _, decl := range f.AST.Decls {
			user := ""
			if d, ok := decl.(*ast.FuncDecl); ok {
				user = d.Name.Name
				inside[user] = !strings.HasPrefix(user, "Test") && !strings.HasPrefix(user, "Benchmark") && user != "init"
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && id.Name != user {
					users[id.Name] = append(users[id.Name], user)
				}
				return true
			})
		}
	}
	for shrank := true; shrank; {
		shrank = false
		for name := range inside {
			outside := func(user string) bool { return !open[user] && !inside[user] }
			if inside[name] && (len(users[name]) == 0 || slices.ContainsFunc(users[name], outside)) {
				inside[name], shrank = false, true
			}
		}
	}
	return inside
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
