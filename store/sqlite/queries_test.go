package sqlite

import (
	"context"
	"database/sql/driver"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// hot names the queries whose plans are golden: all that read by an index,
// because a scan would go unnoticed until the table is large.
var hot = []string{
	"firstRow", "copySteps", "forkRun", "continueRun", "selectLeftover", "countLeftovers", "sweepableLeft",
	"setAside", "selectAside", "countAside", "setVersion",
	"claimStarted", "claimNew", "countHeld", "insertStep", "selectSteps", "outlineSteps", "suspendRun", "selectClaim", "finishRun",
	"releaseRun", "selectRun", "requeueRun", "stopRun", "resumeRun", "endUnstarted", "selectDue", "nextDue",
	"countReturned",
	"upsertHeartbeat", "selectHeartbeat", "deleteHeartbeat", "deleteHeartbeats",
	"countProgress", "parkCrashing", "recoverRunning", "queuesLive", "oldestQueued", "spanSteps", "spanRuns", "selectCursor",
	"selectRemoval", "deleteRun", "deleteLabel", "selectTrash", "sweepableSteps", "deleteStep",
	"selectRemovalSeq", "selectExpired", "nextEnd", "countEnded",
	"selectReceiver", "countKey", "selectMessage", "emptyMessage", "deleteMessage", "selectEvent", "insertWatcher",
	"watchersOf", "watchersOfRun", "deleteWatchers", "deleteWatchersOfRun", "insertItem", "selectItems",
	"copyEvents", "copyItems", "sweepableMessages", "sweepableEvents", "deleteEvent", "sweepableItems", "deleteItem", "deleteWatchersBy",
	"selectWaitingParent", "insertParting", "selectOrphans",
	"selectScheduleRev",
	"selectSetting", "selectBucket", "anyNew", "selectTurn", "nextPartition", "anyUnparted",
	"countHeldOf", "selectBucketOf", "deleteFull", "selectLines", "insertLineOf", "deleteLine", "postponeLine", "ripenLines", "nextLine",
	"selectKeyed", "deleteKey", "postponeRun",
}

// fragments are constants that are parts of statements.
var fragments = map[string]bool{"runColumns": true, "stepColumns": true, "deadlineDue": true, "earliestDue": true}

func TestQueriesPrepare(t *testing.T) {
	c := openTest(t, filepath.Join(t.TempDir(), "a.db")).r
	conn := <-c.idle
	defer func() { c.idle <- conn }()
	queries := constants(t)
	for name, sql := range queries {
		if fragments[name] {
			continue
		}
		// EXPLAIN compiles the statement and does nothing.
		if _, err := explain(conn, "EXPLAIN "+sql); err != nil && name != "createMigrations" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name := range fragments {
		if _, ok := queries[name]; !ok {
			t.Errorf("fragment %s is not in queries.go any more", name)
		}
	}
}

func TestPlans(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "a.db"))
	if err := s.indexEnds(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := <-s.r.idle
	defer func() { s.r.idle <- conn }()
	if _, err := conn.count(oldestQueued); err != nil { // it learns of the index
		t.Fatal(err)
	}
	queries := constants(t)
	var b strings.Builder
	plan := func(name, sql string) {
		fmt.Fprintf(&b, "%s\n", name)
		lines, err := explain(conn, "EXPLAIN QUERY PLAN "+sql)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, l := range lines {
			if strings.HasPrefix(l, "SCAN runs") && !strings.Contains(l, "USING") || strings.HasPrefix(l, "SCAN steps") {
				t.Errorf("%s reads the whole table: %s", name, l)
			}
			fmt.Fprintf(&b, "    %s\n", l)
		}
	}
	for _, name := range hot {
		sql, ok := queries[name]
		if !ok {
			t.Fatalf("no query %s in queries.go", name)
		}
		plan(name, sql)
	}
	golden(t, "plans.txt", b.String())
}

// TestPlansOfLists pins that a filter people use does not read the whole table.
func TestPlansOfLists(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "a.db"))
	conn := <-s.r.idle
	defer func() { s.r.idle <- conn }()
	var b strings.Builder
	for _, c := range []struct {
		name   string
		filter store.Filter
	}{
		{"all", store.Filter{}},
		{"page", store.Filter{Before: 7}},
		{"live", store.Filter{Statuses: []store.Status{store.Running, store.Waiting}}},
		{"trouble", store.Filter{Statuses: []store.Status{store.Failed, store.Stuck}}},
		{"mixed", store.Filter{Statuses: []store.Status{store.Running, store.Succeeded}}},
		{"workflow", store.Filter{Workflow: "w"}},
		{"children", store.Filter{ParentID: "p"}},
		{"label", store.Filter{Labels: map[string]string{"k": "v"}}},
	} {
		sql, _ := listQuery(c.filter)
		lines, err := explain(conn, "EXPLAIN QUERY PLAN "+sql)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		fmt.Fprintf(&b, "%s\n    %s\n", c.name, strings.Join(lines, "\n    "))
	}
	golden(t, "lists.txt", b.String())
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s has changed; if that is meant, run the test with -update (-golden +now):\n%s", path, d)
	}
}

// explain returns the last column of each row. Parameters are left unbound.
func explain(c *conn, sql string) (lines []string, err error) {
	n := 0
	for i := range 32 {
		if strings.Contains(sql, "?"+strconv.Itoa(i)) {
			n = i
		}
	}
	n += strings.Count(sql, "?,") + strings.Count(sql, "?)") + strings.Count(sql, "? ") + strings.Count(sql, "?\n")
	if strings.HasSuffix(sql, "?") {
		n++
	}
	args := make([]any, n)
	s, err := c.c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	r := make(row, len(rows.Columns()))
	for rows.Next(r) == nil {
		lines = append(lines, fmt.Sprint(r[len(r)-1]))
	}
	return lines, nil
}

// constants returns every string constant of the files of queries, so that a
// new one cannot be forgotten.
func constants(t *testing.T) map[string]string {
	t.Helper()
	exprs := map[string]ast.Expr{}
	files, err := filepath.Glob("queries*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				for i, n := range v.Names {
					exprs[n.Name] = v.Values[i]
				}
			}
		}
	}
	var eval func(e ast.Expr) string
	eval = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, err := strconv.Unquote(e.Value)
			if err != nil {
				t.Fatal(err)
			}
			return s
		case *ast.BinaryExpr:
			return eval(e.X) + eval(e.Y)
		case *ast.Ident:
			return eval(exprs[e.Name])
		}
		t.Fatalf("queries.go: %T in a constant", e)
		return ""
	}
	values := map[string]string{}
	for name, e := range exprs {
		values[name] = eval(e)
	}
	if len(values) < 30 {
		t.Fatalf("found only %d constants", len(values))
	}
	return values
}
