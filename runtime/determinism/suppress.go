package determinism

import (
	"bytes"
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const directive = "//stepwell:ok"

// suppressions are the lines on which findings are kept back.
type suppressions struct {
	fset  *token.FileSet
	lines map[string]map[int]bool
}

// newSuppressions collects them, and reports those without a reason.
func newSuppressions(pass *analysis.Pass) *suppressions {
	s := &suppressions{fset: pass.Fset, lines: map[string]map[int]bool{}}
	for _, f := range pass.Files {
		for _, group := range f.Comments {
			for _, c := range group.List {
				reason, ok := strings.CutPrefix(c.Text, directive)
				if !ok || reason != "" && reason[0] != ' ' {
					continue
				}
				if strings.TrimSpace(reason) == "" {
					pass.Reportf(c.Pos(), "%s needs a reason: say why this is the same in every execution, or does no harm", directive)
					continue
				}
				s.add(pass, c)
			}
		}
	}
	return s
}

func (s *suppressions) add(pass *analysis.Pass, c *ast.Comment) {
	at := s.fset.Position(c.Pos())
	if s.lines[at.Filename] == nil {
		s.lines[at.Filename] = map[int]bool{}
	}
	s.lines[at.Filename][at.Line] = true
	src, err := pass.ReadFile(at.Filename)
	if err != nil || at.Offset > len(src) {
		return
	}
	begin := bytes.LastIndexByte(src[:at.Offset], '\n') + 1
	if len(bytes.TrimSpace(src[begin:at.Offset])) == 0 { // alone on its line
		s.lines[at.Filename][at.Line+1] = true
	}
}

func (s *suppressions) at(pos token.Pos) bool {
	p := s.fset.Position(pos)
	return s.lines[p.Filename][p.Line]
}

// covers tells whether all of a function is kept back.
func (s *suppressions) covers(d *ast.FuncDecl) bool {
	if d.Doc == nil {
		return false
	}
	for _, c := range d.Doc.List {
		if strings.HasPrefix(c.Text, directive+" ") && s.at(c.Pos()) {
			return true
		}
	}
	return false
}
