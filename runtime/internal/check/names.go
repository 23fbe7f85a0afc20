package check

import (
	"strings"
)

// stdRuntime is the import path of the standard package that ours shadows.
const stdRuntime = "runtime"

// vague names say where code was put, not what it is.
var vague = map[string]bool{
	"util": true, "utils": true, "common": true, "types": true, "helper": true, "helpers": true, "misc": true, "shared": true,
}

// Names refuses names that mislead: packages and files called after nothing, and the standard runtime under the
// name of ours.
func Names(t Tree) (found []Problem) {
	for _, f := range t.goFiles() {
		pkg := strings.TrimSuffix(f.AST.Name.Name, "_test")
		parts := strings.Split(strings.TrimSuffix(strings.TrimSuffix(f.Path, ".go"), "_test"), "/")
		for _, name := range append(parts, pkg) {
			if vague[name] {
				found = append(found, f.problem(f.AST.Name.Pos(), "%s names nothing: call it after the noun it holds, or move its functions to where they are used", name))
				break
			}
		}
		// In our package the bare name would be itself, in its importers the other.
		near := strings.HasPrefix(f.Path, "runtime/") || f.imported(module+"/runtime") != ""
		if name := f.imported(stdRuntime); near && name != "" && name != "goruntime" && name != "_" {
			found = append(found, f.problem(f.AST.Name.Pos(), `imports the standard runtime as %s: import goruntime "runtime"`, name))
		}
	}
	return sorted(found)
}
