package app

import (
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

func TestRetentionSetting(t *testing.T) {
	const day = 24 * time.Hour
	for v, want := range map[string]runtime.Retention{
		"forever":                                {},
		"30d":                                    {Succeeded: 30 * day, Failed: 30 * day, Cancelled: 30 * day},
		"90m":                                    {Succeeded: 90 * time.Minute, Failed: 90 * time.Minute, Cancelled: 90 * time.Minute},
		"succeeded=7d":                           {Succeeded: 7 * day},
		"succeeded=7d, failed=30d,cancelled=12h": {Succeeded: 7 * day, Failed: 30 * day, Cancelled: 12 * time.Hour},
		"cancelled=forever,failed=36500d":        {Failed: 36500 * day},
	} {
		cfg, err := readConfig(nil, lookup(map[string]string{"STEPWELL_RETENTION": v}))
		if err != nil {
			t.Errorf("%q: %v", v, err)
		} else if cfg.retention != want {
			t.Errorf("%q: %+v, want %+v", v, cfg.retention, want)
		}
	}
	const noTime = `: want 1s or more, such as 12h or 30d, or forever`
	const noEnd = ` is no way to end, or given twice: want succeeded, failed or cancelled, each once, such as succeeded=7d,failed=30d`
	for v, want := range map[string]string{
		"0":                          `"0" is no time to keep a run` + noTime,
		"-1d":                        `"-1d" is no time to keep a run` + noTime,
		"7":                          `"7" is no time to keep a run` + noTime,
		"1.5d":                       `"1.5d" is no time to keep a run` + noTime,
		"d":                          `"d" is no time to keep a run` + noTime,
		"36501d":                     `"36501d" is no time to keep a run` + noTime,
		"500ms":                      `"500ms" is no time to keep a run` + noTime,
		"succeeded=":                 `"" is no time to keep a run` + noTime,
		"succeeded=7d,":              `""` + noEnd,
		"stuck=7d":                   `"stuck"` + noEnd,
		"succeeded=7d,succeeded=30d": `"succeeded"` + noEnd,
		"7d,failed=30d":              `"7d"` + noEnd,
	} {
		_, err := readConfig(nil, lookup(map[string]string{"STEPWELL_RETENTION": v}))
		if want := `STEPWELL_RETENTION is "` + v + `": ` + want; err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", v, err, want)
		}
	}
}
