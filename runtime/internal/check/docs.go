package check

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
)

// Docs asks for a doc comment on every package and on every exported name, methods of interfaces included.
func Docs(t Tree) (found []Problem) {
	documented := map[string]bool{}
	for _, f := range t.goFiles() {
		if f.isTest() {
			continue
		}
		dir := path.Dir(f.Path)
		documented[dir] = documented[dir] || f.AST.Doc.Text() != ""
		if f.AST.Name.Name != "main" {
			for _, id := range undocumented(f.AST) {
				found = append(found, f.problem(id.Pos(), "%s has no comment: say what it means, in which unit, which errors, and whether it is durable and may be called concurrently", id.Name))
			}
		}
	}
	for dir, ok := range documented {
		if !ok {
			found = append(found, Problem{Path: dir, Text: "the package has no comment: add doc.go with what it is and what it guarantees on a crash"})
		}
	}
	return sorted(found)
}

// The interface a method is known to implement documents it.
var wellKnown = []string{
	"Error", "Is", "As", "Unwrap", "String", "GoString", "Format", "Len", "Less", "Swap", "Read", "Write", "Close",
	"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Scan", "Value", "ServeHTTP", "LogValue",
}

func undocumented(f *ast.File) (ids []*ast.Ident) {
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			method := d.Recv != nil
			if method && (!ast.IsExported(receiver(d)) || slices.Contains(wellKnown, d.Name.Name)) {
				continue
			}
			if d.Name.IsExported() && d.Doc.Text() == "" {
				ids = append(ids, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				ids = append(ids, undocumentedSpec(d, spec)...)
			}
		}
	}
	return ids
}

func undocumentedSpec(d *ast.GenDecl, spec ast.Spec) (ids []*ast.Ident) {
	// One comment on a group serves all of it.
	group := d.Doc.Text() != ""
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return nil
		}
		if !(group && (d.Lparen == token.NoPos || len(d.Specs) == 1)) && s.Doc.Text() == "" && s.Comment.Text() == "" {
			ids = append(ids, s.Name)
		}
		// A small interface says it all in its own comment.
		if i, ok := s.Type.(*ast.InterfaceType); ok && i.Methods.NumFields() > 2 {
			for _, m := range i.Methods.List {
				if len(m.Names) > 0 && m.Names[0].IsExported() && m.Doc.Text() == "" && m.Comment.Text() == "" && !slices.Contains(wellKnown, m.Names[0].Name) {
					ids = append(ids, m.Names[0])
				}
			}
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && !group && s.Doc.Text() == "" && s.Comment.Text() == "" {
				ids = append(ids, name)
			}
		}
	}
	return ids
}

// receiver returns the name of the type whose method d is.
func receiver(d *ast.FuncDecl) string {
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}
