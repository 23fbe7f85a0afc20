package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stepwell/stepwell/store"
)

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id string) (run store.Run, err error) {
	err = s.r.query(ctx, selectRun, func(r row) error {
		run, err = scanRun(r)
		return err
	}, id)
	if err == nil && run.Seq == 0 {
		err = notFound(id)
	}
	return run, err
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, f store.Filter) (runs []store.Run, err error) {
	query, args := listQuery(f)
	err = s.r.with(ctx, func(c *conn) error {
		return c.queryOnce(query, func(r row) error {
			run, err := scanRun(r)
			runs = append(runs, run)
			return err
		}, args...)
	})
	return runs, err
}

// bareColumns are runColumns without what can be large.
var bareColumns = strings.Replace(runColumns, "input, output", "NULL, NULL", 1)

const (
	defaultPage = 100
	maxPage     = 1000
)

// selective is from how many bytes on the beginning of an id tells few runs: ids
// that the engine makes begin with the time, and as many bytes of it are a minute.
const selective = 8

// listQuery joins fixed conditions; every value is an argument.
func listQuery(f store.Filter) (string, []any) {
	var where []string
	var args []any
	cond := func(sql string, vs ...any) {
		where = append(where, sql)
		args = append(args, vs...)
	}
	if len(f.Statuses) > 0 {
		var marks []string
		for _, st := range f.Statuses {
			marks = append(marks, "?")
			args = append(args, int64(st))
		}
		where = append(where, "status IN ("+strings.Join(marks, ", ")+")")
		// The conditions of the two indexes by status.
		if slices.Max(f.Statuses) <= store.Waiting {
			cond("status <= 4")
		} else if slices.Min(f.Statuses) >= store.Failed {
			cond("status >= 6")
		}
	}
	if f.IDPrefix != "" {
		id := "id"
		if len(f.IDPrefix) < selective {
			id = "+id" // the index would find too many, and they would have to be sorted
		}
		// What an id may have in it is below the tilde.
		cond(id+" >= ?", f.IDPrefix)
		cond(id+" < ?", f.IDPrefix+"~")
	}
	if len(f.IDs) > 0 {
		cond("id IN (SELECT value FROM json_each(?))", jsonText(f.IDs))
	}
	if f.Workflow != "" {
		cond("workflow = ?", f.Workflow)
	}
	if f.Version != "" {
		cond("version = ?", f.Version)
	}
	if f.Queue != nil {
		cond("queue = ?", *f.Queue)
	}
	if f.ParentID != "" {
		cond("parent_id = ?", f.ParentID)
	}
	for k, v := range f.Labels {
		cond("seq IN (SELECT run FROM run_labels WHERE key = ? AND value = ?)", k, v)
	}
	if !f.Since.IsZero() {
		cond("created_at >= ?", f.Since.UnixMicro())
	}
	if !f.Until.IsZero() {
		cond("created_at < ?", f.Until.UnixMicro())
	}
	if f.Before > 0 {
		cond("seq < ?", f.Before)
	}
	columns := runColumns
	if f.Bare {
		columns = bareColumns
	}
	query := "SELECT " + columns + "\nFROM runs\n"
	if len(where) > 0 {
		query += "WHERE " + strings.Join(where, " AND ") + "\n"
	}
	limit := f.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	return query + "ORDER BY seq DESC\nLIMIT ?", append(args, int64(min(limit, maxPage)))
}

// jsonText is a list as an argument.
func jsonText(ids []string) string {
	b, _ := json.Marshal(ids) // strings always can be
	return string(b)
}

// Stats implements [store.Store].
func (s *Store) Stats(ctx context.Context) (store.Stats, error) {
	st := store.Stats{Runs: map[store.Status]int64{}}
	err := s.r.view(ctx, func(c *conn) error {
		n, err := readState(c)
		if err != nil {
			return err
		}
		err = c.query(countAside, func(r row) error {
			if st.Aside == nil {
				st.Aside = map[string]int64{}
			}
			st.Aside[r.text(0)] = r.int(1)
			return nil
		})
		if err != nil {
			return err
		}
		for _, status := range store.Statuses() {
			st.Runs[status] = n.runs[status]
		}
		err = c.query(queuesLive, func(r row) error {
			st.Queues = append(st.Queues, store.QueueStats{Name: r.text(0), Depth: r.int(1), Held: r.int(2), Oldest: r.time(3)})
			return nil
		})
		if err != nil {
			return err
		}
		oldest, err := c.count(oldestQueued)
		if err != nil {
			return err
		}
		due, err := c.count(nextDue)
		st.OldestQueued, st.NextDue = fromMicros(oldest), fromMicros(due)
		return err
	})
	if err != nil {
		return store.Stats{}, fmt.Errorf("count: %w", err)
	}
	return st, nil
}
