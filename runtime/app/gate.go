package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// maxGate bounds what is replayed before the process is ready.
const maxGate = 1000

func setReplayGate(c *config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > maxGate {
		return fmt.Errorf("want a number of runs from 0 to %d", maxGate)
	}
	c.replayGate = n
	return nil
}

// gate replays runs under way on the code of this process. When one does not
// fit, it returns true: the process must not execute anything, and says why on
// /readyz for as long as it lives.
func (p *process) gate(ctx context.Context) (held bool, err error) {
	if p.cfg.replayGate == 0 {
		return false, nil
	}
	n, err := p.engine.ReplayUnderWay(ctx, p.cfg.replayGate)
	switch {
	case ctx.Err() != nil:
		return true, nil // a stop is due
	case n == 0 && err != nil:
		return false, err
	case err == nil:
		p.log.Info("the replay gate is passed", "runs", n)
		return false, nil
	}
	reasons := []string{"the replay gate holds this version back: it does not fit runs that are under way; mend it, or set STEPWELL_REPLAY_GATE to 0 to have them parked as stuck"}
	reasons = append(reasons, strings.Split(err.Error(), "\n")...)
	const most = 10
	if len(reasons) > most {
		reasons = append(reasons[:most], fmt.Sprintf("and %d more", len(reasons)-most))
	}
	p.monitor.Hold(reasons)
	p.log.Error("the replay gate holds this version back", "replayed", n, "reasons", reasons)
	return true, nil
}
