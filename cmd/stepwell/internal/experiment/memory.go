package experiment

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// residentMB reads the resident memory of a process and its highest so far,
// in MB (10^6 bytes). ok is false where the system does not tell.
func residentMB(pid int) (now, peak float64, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, false
	}
	now, ok1 := statusField(string(b), "VmRSS:")
	peak, ok2 := statusField(string(b), "VmHWM:")
	return now, peak, ok1 && ok2
}

// statusField reads a line such as "VmRSS:	   12345 kB", where kB are 1024 bytes.
func statusField(status, name string) (mb float64, ok bool) {
	_, rest, ok := strings.Cut(status, "\n"+name)
	if !ok {
		return 0, false
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, false
	}
	kb, err := strconv.ParseFloat(fields[0], 64)
	return kb * 1024 / 1e6, err == nil
}
