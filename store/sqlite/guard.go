package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// guard watches what the program does on the writer's connection while that is
// lent out. SQLite asks it when a statement is prepared; the writer's own never
// meet it, for they run when it is not armed.
type guard struct {
	own   map[string]bool // Stepwell's tables
	armed bool
	ddl   bool
	// lost: the transaction was rolled back from inside.
	lost   bool
	denied error // why the statement just prepared was refused
}

// newGuard installs a guard for good: to install and remove one expires the
// prepared statements each time.
func newGuard(c *conn) (*guard, error) {
	g := &guard{}
	var err error
	if g.own, err = ownTables(); err != nil {
		return nil, err
	}
	c.c.(sqlite.HookRegisterer).RegisterRollbackHook(func() { g.lost = g.lost || g.armed })
	return g, c.c.(sqlite.AuthorizerRegisterer).RegisterAuthorizer(g.allow)
}

// ownTables reads the names of Stepwell's tables off its migrations: in the
// database itself they stand among the program's.
func ownTables() (map[string]bool, error) {
	ms, err := migrations()
	if err != nil {
		return nil, err
	}
	raw, err := (&sqlite.Driver{}).Open(":memory:")
	if err != nil {
		return nil, err
	}
	c := newConn(raw)
	err = c.script(createMigrations)
	for _, m := range ms {
		err = errors.Join(err, c.script(m.sql))
	}
	own := map[string]bool{}
	err = errors.Join(err, c.query(selectTables, func(r row) error { own[r.text(0)] = true; return nil }))
	return own, errors.Join(err, c.close())
}

func (g *guard) arm(ddl bool) { g.armed, g.ddl, g.lost, g.denied = true, ddl, false, nil }
func (g *guard) disarm()      { g.armed = false }

// explain puts the reason in the place of SQLite's "not authorized".
func (g *guard) explain(err error) error {
	denied := g.denied
	g.denied = nil
	if se, ok := errors.AsType[*sqlite.Error](err); ok && se.Code() == sqlite3.SQLITE_AUTH && denied != nil {
		return denied
	}
	return err
}

// allow decides on one action of a statement. The arguments are SQLite's.
func (g *guard) allow(action sqlite.AuthorizerActionCode, arg1, arg2, _, _ string) sqlite.AuthorizerReturnCode {
	if !g.armed {
		return sqlite.AuthorizerOK
	}
	if err := g.judge(action, arg1, arg2); err != nil {
		g.denied = err
		return sqlite.AuthorizerDeny
	}
	return sqlite.AuthorizerOK
}

func (g *guard) judge(action sqlite.AuthorizerActionCode, arg1, arg2 string) error {
	table := arg1
	switch action {
	case sqlite.AuthSelect, sqlite.AuthRead, sqlite.AuthFunction, sqlite.AuthRecursive:
		return nil
	case sqlite.AuthInsert, sqlite.AuthUpdate, sqlite.AuthDelete:
		if !g.ddl && isSchema(table) {
			return errDefinition
		}
	case sqlite.AuthCreateTable, sqlite.AuthCreateView, sqlite.AuthCreateVTable,
		sqlite.AuthDropTable, sqlite.AuthDropView, sqlite.AuthDropVTable, sqlite.AuthReindex:
		if !g.ddl {
			return errDefinition
		}
	case sqlite.AuthCreateIndex, sqlite.AuthCreateTrigger, sqlite.AuthDropIndex, sqlite.AuthDropTrigger, sqlite.AuthAlterTable:
		if !g.ddl {
			return errDefinition
		}
		table = arg2
	case sqlite.AuthTransaction, sqlite.AuthSavepoint:
		return errors.New("the transaction is Stepwell's: it is committed when the function has returned, and rolled back when that fails")
	case sqlite.AuthPragma:
		if !harmless[arg1] {
			return errAlien
		}
		return nil
	default:
		return errAlien
	}
	if g.own[table] {
		return fmt.Errorf("table %s is Stepwell's: it can be read, not changed", table)
	}
	return nil
}

// harmless pragmas only read; the modules of virtual tables use them.
var harmless = map[string]bool{
	"data_version": true, "table_info": true, "table_xinfo": true, "table_list": true, "index_list": true,
	"index_info": true, "index_xinfo": true, "foreign_key_list": true,
}

var errAlien = errors.New("in a transaction of Stepwell's only the program's own tables can be used: no ATTACH, ANALYZE, temporary table, or PRAGMA that sets something")

var errDefinition = errors.New("tables cannot be defined in a step: do it before the runs, with Setup or Do")

func isSchema(table string) bool {
	return table == "sqlite_master" || table == "sqlite_schema"
}
