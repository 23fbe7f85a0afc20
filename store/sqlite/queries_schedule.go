package sqlite

// The statements of schedules.
const (
	selectSchedules = `
SELECT name, rev, workflow, spec, zone, paused, next_at, last_tick, last_run, started, skipped
FROM schedules
ORDER BY name`

	selectScheduleRev = `
SELECT rev
FROM schedules
WHERE name = ?1`

	upsertSchedule = `
INSERT INTO schedules (name, rev, workflow, spec, zone, paused, next_at, last_tick, last_run, started, skipped)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE
SET rev = excluded.rev, workflow = excluded.workflow, spec = excluded.spec, zone = excluded.zone,
    paused = excluded.paused, next_at = excluded.next_at, last_tick = excluded.last_tick,
    last_run = excluded.last_run, started = excluded.started, skipped = excluded.skipped`
)
