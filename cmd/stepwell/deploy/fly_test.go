package deploy

import (
	"fmt"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
)

// top is the root of the repository.
const top = "../../.."

// flyConfig is the part of the platform's configuration that fly.toml uses. Decoding is strict, so that a
// misspelt key fails here and not silently there.
type flyConfig struct {
	App           string
	PrimaryRegion string        `toml:"primary_region"`
	KillSignal    string        `toml:"kill_signal"`
	KillTimeout   time.Duration `toml:"kill_timeout"`
	Build         struct{ Dockerfile string }
	Env           map[string]string
	Deploy        struct {
		Strategy    string
		WaitTimeout time.Duration `toml:"wait_timeout"`
	}
	Mounts []struct {
		Source, Destination string
		InitialSize         string `toml:"initial_size"`
		SnapshotRetention   int    `toml:"snapshot_retention"`
	}
	HTTPService struct {
		InternalPort       int    `toml:"internal_port"`
		ForceHTTPS         bool   `toml:"force_https"`
		AutoStopMachines   string `toml:"auto_stop_machines"`
		AutoStartMachines  bool   `toml:"auto_start_machines"`
		MinMachinesRunning int    `toml:"min_machines_running"`
		Concurrency        struct {
			Type      string
			SoftLimit int `toml:"soft_limit"`
			HardLimit int `toml:"hard_limit"`
		}
		Checks []flyServiceCheck
	} `toml:"http_service"`
	Checks  map[string]flyCheck
	Metrics struct {
		Port int
		Path string
	}
	Restart []struct{ Policy string }
	VM      []struct{ Size, Memory string }
}

// flyServiceCheck has no port: the platform asks internal_port.
type flyServiceCheck struct {
	GracePeriod       time.Duration `toml:"grace_period"`
	Interval, Timeout time.Duration
	Method, Path      string
}

type flyCheck struct {
	flyServiceCheck
	Type string
	Port int
}

func TestFly(t *testing.T) {
	var c flyConfig
	meta, err := toml.DecodeFile(top+"/fly.toml", &c)
	if err != nil {
		t.Fatal(err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		t.Errorf("keys this test does not know, so the platform may not either: %v", unknown)
	}
	for _, problem := range c.problems() {
		t.Error(problem)
	}
}

// problems names what in c the platform would refuse, or what would not work with the image.
func (c *flyConfig) problems() (found []string) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	drain, err := time.ParseDuration(c.Env["STEPWELL_DRAIN"])
	check(err == nil, "STEPWELL_DRAIN: %v", err)
	check(c.KillSignal == "SIGTERM", "kill_signal is %q: only SIGTERM starts the drain", c.KillSignal)
	check(c.KillTimeout >= drain+10*time.Second, "kill_timeout %v leaves less than 10s after the drain of %v", c.KillTimeout, drain)
	check(c.KillTimeout <= 300*time.Second, "kill_timeout %v is above the platform's 300s", c.KillTimeout)
	check(c.Build.Dockerfile == "Dockerfile", "dockerfile is %q", c.Build.Dockerfile)
	check(c.Deploy.Strategy == "rolling", "strategy %q is refused with a volume: rolling", c.Deploy.Strategy)

	check(len(c.Mounts) == 1 && c.Mounts[0].Destination == "/data" && c.Mounts[0].Source != "", "mounts %+v: want one volume at /data", c.Mounts)
	check(c.Env["STEPWELL_STORE"] == "sqlite:/data/stepwell.db", "the store %q is not on the volume", c.Env["STEPWELL_STORE"])

	h := c.HTTPService
	check(c.Env["PORT"] == fmt.Sprint(h.InternalPort), "PORT %s is not internal_port %d", c.Env["PORT"], h.InternalPort)
	check(h.AutoStopMachines == "off", "auto_stop_machines %q would stop a machine whose runs wait", h.AutoStopMachines)
	check(h.MinMachinesRunning == 1, "min_machines_running is %d: one volume, one machine", h.MinMachinesRunning)
	check(len(h.Checks) == 1 && h.Checks[0].Path == "/v1/ping", "http_service checks %+v: want one on /v1/ping", h.Checks)
	for _, s := range h.Checks {
		check(s.sane(time.Second), "http_service check out of bounds: %+v", s)
	}

	health, ok := c.Checks["health"]
	check(ok && len(c.Checks) == 1, "checks %+v: want one called health", c.Checks)
	check(health.Type == "http" && health.Path == "/health", "check %+v: want http on /health", health)
	check(health.sane(2*time.Second), "check out of bounds: %+v", health)
	// The checks come from outside the machine: loopback would never answer them.
	check(c.Env["STEPWELL_HEALTH_ADDR"] == fmt.Sprintf("0.0.0.0:%d", health.Port), "STEPWELL_HEALTH_ADDR %s is not all addresses on the check's port %d", c.Env["STEPWELL_HEALTH_ADDR"], health.Port)
	check(c.Metrics.Port == health.Port && c.Metrics.Path == "/metrics", "metrics %+v: want /metrics on port %d", c.Metrics, health.Port)
	check(health.Port != h.InternalPort, "the health port %d is open to the internet", health.Port)
	check(len(c.Restart) == 1 && c.Restart[0].Policy == "always", "restart %+v: want always, nothing else restarts a process that ended itself", c.Restart)
	return found
}

func (s flyServiceCheck) sane(least time.Duration) bool {
	return s.Interval >= least && s.Timeout >= time.Second && s.Timeout <= 60*time.Second && s.Timeout < s.Interval &&
		s.GracePeriod > 0 && s.Method == "GET"
}

// TestFlyProblems shows that each rule can fail.
func TestFlyProblems(t *testing.T) {
	cases := map[string]func(*flyConfig){
		"kill_signal":          func(c *flyConfig) { c.KillSignal = "SIGINT" },
		"kill_timeout":         func(c *flyConfig) { c.KillTimeout = 10 * time.Second },
		"platform's 300s":      func(c *flyConfig) { c.KillTimeout = 301 * time.Second },
		"STEPWELL_DRAIN":       func(c *flyConfig) { c.Env["STEPWELL_DRAIN"] = "ten" },
		"dockerfile":           func(c *flyConfig) { c.Build.Dockerfile = "" },
		"strategy":             func(c *flyConfig) { c.Deploy.Strategy = "bluegreen" },
		"mounts":               func(c *flyConfig) { c.Mounts = nil },
		"not on the volume":    func(c *flyConfig) { c.Env["STEPWELL_STORE"] = "sqlite:stepwell.db" },
		"internal_port":        func(c *flyConfig) { c.HTTPService.InternalPort = 80 },
		"auto_stop_machines":   func(c *flyConfig) { c.HTTPService.AutoStopMachines = "stop" },
		"min_machines_running": func(c *flyConfig) { c.HTTPService.MinMachinesRunning = 0 },
		"http_service checks":  func(c *flyConfig) { c.HTTPService.Checks = nil },
		"http_service check o": func(c *flyConfig) { c.HTTPService.Checks[0].Timeout = time.Minute },
		"want one called":      func(c *flyConfig) { c.Checks = nil },
		"/health":              func(c *flyConfig) { h := c.Checks["health"]; h.Path = "/v1/ping"; c.Checks["health"] = h },
		"check out of bounds":  func(c *flyConfig) { h := c.Checks["health"]; h.Interval = time.Second; c.Checks["health"] = h },
		"STEPWELL_HEALTH_ADDR": func(c *flyConfig) { c.Env["STEPWELL_HEALTH_ADDR"] = "127.0.0.1:8081" },
		"metrics":              func(c *flyConfig) { c.Metrics.Port = 8080 },
		"open to the internet": func(c *flyConfig) { h := c.Checks["health"]; h.Port = 8080; c.Checks["health"] = h },
		"restart":              func(c *flyConfig) { c.Restart = nil },
	}
	for want, spoil := range cases {
		t.Run(want, func(t *testing.T) {
			var c flyConfig
			if _, err := toml.DecodeFile(top+"/fly.toml", &c); err != nil {
				t.Fatal(err)
			}
			spoil(&c)
			requireProblem(t, c.problems(), want)
		})
	}
}
