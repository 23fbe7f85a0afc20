package check

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Problem is one breach of one rule.
type Problem struct {
	Path string // of the file or package, slash-separated, from the top of the repository
	Line int    // 0: the whole of it
	Text string // what is wrong, and what to do instead
}

func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.Path, p.Text)
	}
	return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Text)
}

// Tree is the files a rule looks at, by slash-separated path.
type Tree map[string][]byte

// File is one parsed Go file of a Tree.
type File struct {
	Path string
	Fset *token.FileSet
	AST  *ast.File
}

// Read returns the files under root, but for .git and what ignored tells to leave out: a path, with a final slash
// when it is a folder's.
func Read(root string, ignored func(path string) bool) (Tree, error) {
	tree := Tree{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (rel == ".git" || rel != "." && ignored(rel+"/")):
			return fs.SkipDir
		case !d.Type().IsRegular() || ignored(rel):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		tree[rel] = text
		return nil
	})
	return tree, err
}

// paths returns the paths of t in order, so that problems come in order.
func (t Tree) paths() []string {
	paths := make([]string, 0, len(t))
	for p := range t {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// goFiles parses the Go files of t. One that does not parse is the compiler's to report, and left out.
func (t Tree) goFiles() []File {
	var files []File
	for _, p := range t.paths() {
		if path.Ext(p) != ".go" || strings.Contains("/"+p, "/testdata/") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, t[p], parser.ParseComments|parser.SkipObjectResolution)
		if err == nil {
			files = append(files, File{Path: p, Fset: fset, AST: f})
		}
	}
	return files
}

func (f File) isTest() bool { return strings.HasSuffix(f.Path, "_test.go") }

func (f File) problem(at token.Pos, format string, args ...any) Problem {
	return Problem{Path: f.Path, Line: f.Fset.Position(at).Line, Text: fmt.Sprintf(format, args...)}
}

// imported returns the name under which f imports the package path, "" when it does not.
func (f File) imported(pkg string) string {
	for _, spec := range f.AST.Imports {
		if strings.Trim(spec.Path.Value, `"`) == pkg {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return path.Base(pkg)
		}
	}
	return ""
}

func lineCount(text []byte) int { return bytes.Count(text, []byte("\n")) }

func sorted(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return problems
}
