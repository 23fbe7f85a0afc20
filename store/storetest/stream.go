package storetest

import (
	"fmt"

	"github.com/stepwell/stepwell/store"
)

func (f *fixture) appendTo(c store.Claim, stream, value string, step *store.Step) {
	f.Helper()
	f.must(f.s.Append(f.Context(), c, store.Item{Stream: stream, Value: []byte(value), WrittenAt: at(3)}, step))
}

func (f *fixture) wantItems(id, stream string, from int64, limit int, want ...string) {
	f.Helper()
	items, err := f.s.Items(f.Context(), id, stream, from, limit)
	f.must(err)
	var got []string
	for i, it := range items {
		if it.Offset != from+int64(i) || it.Stream != stream {
			f.broken("item %d from %d is %+v", i, from, it)
		}
		got = append(got, string(it.Value))
	}
	f.wantSame("items", got, want)
}

var streamRules = []rule{
	{"items are numbered from 0 in the order of writing, by stream", func(f *fixture) {
		a := f.running("a")
		for i, v := range []string{"x", "y", "", "z"} {
			f.appendTo(a.Claim(), "s", v, new(setting(fmt.Sprint(i), "s")))
			f.appendTo(a.Claim(), "t", "other", nil)
		}
		f.wantItems("a", "s", 0, 10, "x", "y", "", "z")
		f.wantItems("a", "s", 1, 2, "y", "")
		f.wantItems("a", "s", 4, 10)
		f.wantItems("none", "s", 0, 10)
		if n := len(f.load(a.Seq)); n != 4 {
			f.broken("%d rows of history, want one for each item with a step", n)
		}
		f.finish(a.Claim(), store.Succeeded)
		f.wantItems("a", "s", 3, 10, "z")
	}},
	{"an item names the attempt that wrote it", func(f *fixture) {
		a := f.running("a")
		want := store.Item{Stream: "s", Value: []byte("1"), WrittenAt: at(3), Path: "4.0", Attempt: 2}
		f.must(f.s.Append(f.Context(), a.Claim(), want, nil))
		items, err := f.s.Items(f.Context(), "a", "s", 0, 1)
		f.must(err)
		f.wantSame("items", items, []store.Item{want})
	}},
	{"an item needs the claim and its step", func(f *fixture) {
		a := f.running("a")
		stale := a.Claim()
		stale.Epoch--
		it := store.Item{Stream: "s", Value: []byte("1"), WrittenAt: at(3)}
		f.wantErr("stale", f.s.Append(f.Context(), stale, it, nil), store.ErrStale)
		f.wantErr("stale, with a step", f.s.Append(f.Context(), stale, it, new(setting("0", "s"))), store.ErrStale)
		f.record(a.Claim(), "0")
		f.wantErr("again", f.s.Append(f.Context(), a.Claim(), it, new(setting("0", "s"))), store.ErrConflict)
		f.wantItems("a", "s", 0, 10)
	}},
	{"whoever watches a stream is signalled by the next item", func(f *fixture) {
		a := f.running("a")
		f.watch("a", store.StreamKey("s"))
		f.appendTo(a.Claim(), "t", "1", nil)
		f.wantStatus("w", store.Waiting)
		f.appendTo(a.Claim(), "s", "1", nil)
		f.wantStatus("w", store.Queued)
		if es := f.news.take(); !hasEvent(es, store.EventChanged, "a") {
			f.broken("news %+v", es)
		}
	}},
	{"a page of large items is short", func(f *fixture) {
		a := f.running("a")
		big := make([]byte, 700_000)
		for range 4 {
			f.must(f.s.Append(f.Context(), a.Claim(), store.Item{Stream: "s", Value: big, WrittenAt: at(3)}, nil))
		}
		for from := int64(0); from < 4; {
			items, err := f.s.Items(f.Context(), "a", "s", from, 100)
			f.must(err)
			if len(items) == 0 || len(items) > 2 {
				f.broken("%d items of 700 kB in one page", len(items))
			}
			from += int64(len(items))
		}
	}},
	{"a fork has the events and the items of the rows copied to it", func(f *fixture) {
		a := f.running("a")
		write := func(path, stream string, attempt int, step *store.Step) {
			it := store.Item{Stream: stream, Value: []byte(path), WrittenAt: at(3), Path: path, Attempt: attempt}
			f.must(f.s.Append(f.Context(), a.Claim(), it, step))
		}
		set := func(path, value string) {
			row := setting(path, "e")
			row.Output = []byte(value)
			f.must(f.s.SetEvent(f.Context(), a.Claim(), "e", []byte(value), &row))
		}
		write("5", "s", 1, nil) // its step comes last
		write("0", "s", 0, new(setting("0", "s")))
		set("1", "first")
		set("2", "second")
		write("3", "t", 1, nil)
		f.record(a.Claim(), "3")
		write("4", "s", 0, new(setting("4", "s")))
		set("6", "third")
		f.record(a.Claim(), "5")
		f.fork("a", "6", "b")
		f.wantItems("b", "s", 0, 10, "0", "4")
		f.wantItems("b", "t", 0, 10, "3")
		f.wantEvent("b", "e", "second")
		f.fork("a", "1", "c")
		f.wantItems("c", "s", 0, 10, "0")
		if _, found, err := f.s.EventValue(f.Context(), "c", "e"); err != nil || found {
			f.broken("an event that was set later: %v, %v", found, err)
		}
	}},
}
