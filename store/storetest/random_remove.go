package storetest

import (
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// remove plays the operations that take runs out.
func (p *player) remove(o op) error {
	switch o.kind {
	case "delete":
		return same(p.s.Delete(p.ctx, p.id(o.a)), p.m.remove(p.id(o.a)))
	case "expire":
		e := store.Expiry{Status: store.Succeeded + store.Status(o.a%3), Before: o.t.Add(-time.Duration(o.b%8) * time.Second), Limit: 1 + o.c%3}
		got, err := p.s.Expire(p.ctx, e)
		if want := p.m.expire(e); err == nil && got.Deleted != want {
			return fmt.Errorf("expired %d, want %d", got.Deleted, want)
		}
		return err
	default:
		_, err := p.s.Sweep(p.ctx, 1+o.a%8) // nobody sees what it does
		return err
	}
}
