package check

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
)

var backends = []string{"store/sqlite/", "store/postgres/", "store/replica/"}

// Upper case, as the house writes SQL: English says select from, too.
var sql = regexp.MustCompile(`^\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+(RECURSIVE\s+)?\w+\s*(\([^)]*\)\s*)?AS\s|(CREATE|ALTER|DROP)\s+(UNIQUE\s+|TEMP\s+)?(TABLE|INDEX|VIEW|TRIGGER)\s|PRAGMA\s+\w|BEGIN(\s+IMMEDIATE)?;?\s*$|VACUUM(\s|$))`)

// SQL keeps statements in the backends, tests apart: the store speaks in domain words.
func SQL(t Tree) (found []Problem) {
	for _, p := range t.paths() {
		if path.Ext(p) == ".sql" && !matchAny(backends, p) {
			found = append(found, Problem{Path: p, Text: "is SQL outside a backend: move it into store/sqlite or store/postgres"})
		}
	}
	for _, f := range t.goFiles() {
		if f.isTest() || matchAny(backends, f.Path) {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && sql.MatchString(s) {
					found = append(found, f.problem(lit.Pos(), "is SQL outside a backend: give store.Store a method in domain words (%s…)", strings.Fields(s)[0]))
				}
			}
			return true
		})
	}
	return sorted(found)
}
