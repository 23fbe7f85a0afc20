package check

import (
	"go/ast"
	"strings"
)

// contract is what users of package runtime type: the names that stay. Methods stand without their type.
var contract = strings.Fields(`
	Define NewQueue QueueConfig Cron InZone New Run Context
	Start Call Handle ID OnQueue Delay At Priority Dedup Debounce Partition Deadline Labels
	Result Status Cancel Resume Fork List Delete CancelAll DeleteAll Filter
	Step Retry Timeout Compute Permanent Heartbeat LastHeartbeat Tx
	Sleep SleepUntil Now NewID Go Wait Select Map
	Send Receive SetEvent GetEvent OnUpdate Update Write Read
	Patched ContinueAs Compensate
	ErrNotFound ErrExists ErrCancelled ErrDeadline ErrTimeout ErrNotInRun ErrNondeterministic StepError RegisterError`)

// Examples asks that each name is exported by package runtime and used in one of its examples.
func Examples(t Tree, names []string) (found []Problem) {
	exported, used := map[string]bool{}, map[string]bool{}
	for _, f := range t.goFiles() {
		name, here := strings.CutPrefix(f.Path, "runtime/")
		switch {
		case !here || strings.Contains(name, "/"):
		case strings.HasPrefix(name, "example") && f.isTest():
			ast.Inspect(f.AST, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					used[s.Sel.Name] = true
				}
				return true
			})
		case !f.isTest():
			for _, id := range declared(f.AST) {
				exported[id.Name] = true
			}
		}
	}
	for _, name := range names {
		switch {
		case !exported[name]:
			found = append(found, Problem{Path: "runtime", Text: "has no " + name + ": users were promised it"})
		case !used[name]:
			found = append(found, Problem{Path: "runtime", Text: name + " is in no example: show it in an example_test.go"})
		}
	}
	return found
}

// declared returns the names that f declares on its top level, methods included.
func declared(f *ast.File) (ids []*ast.Ident) {
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			ids = append(ids, d.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					ids = append(ids, s.Name)
				case *ast.ValueSpec:
					ids = append(ids, s.Names...)
				}
			}
		}
	}
	return ids
}
