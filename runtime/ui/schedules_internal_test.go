package ui

import "testing"

func TestSpecWords(t *testing.T) {
	for spec, want := range map[string]string{
		"0 3 * * *": "every day at 03:00", "*/15 * * * *": "every 15 minutes", "* * * * *": "every minute", "0 * * * *": "every hour",
		"30 * * * *": "every hour, 30 min past", "0 */6 * * *": "every 6 hours", "30 9,17 * * mon-fri": "from Monday to Friday at 09:30, 17:30",
		"0 8 * * 1": "on Monday at 08:00", "0 8 * * sat,sun": "on Saturday, Sunday at 08:00", "15 4 1 * *": "on day 1 of the month at 04:15",
		"*/10 * * * * *": "every 10 seconds", "0 0 3 * * *": "every day at 03:00", "@every 1m30s": "every 1 min 30 s", "@daily": "every day at 00:00",
		"0 3 1 1 *": "", "5-10 3 * * *": "", "30 0 3 * * *": "", "0 3 13 * fri": "", "nonsense": "",
	} {
		if got := specWords(spec); got != want {
			t.Errorf("%s is %q, want %q", spec, got, want)
		}
	}
}
