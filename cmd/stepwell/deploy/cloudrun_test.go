package deploy

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// cloudRunService is the part of the platform's Service that cloudrun.yaml uses, written out because the
// platform's own package would bring thirty modules into go.mod. Decoding is strict.
type cloudRunService struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   cloudRunMetadata
	Spec       struct {
		Template struct {
			Metadata cloudRunMetadata
			Spec     cloudRunRevision
		}
		Traffic []struct {
			LatestRevision bool `yaml:"latestRevision"`
			Percent        int
		}
	}
}

type cloudRunMetadata struct {
	Name        string
	Annotations map[string]string
}

type cloudRunRevision struct {
	ContainerConcurrency int    `yaml:"containerConcurrency"`
	TimeoutSeconds       int    `yaml:"timeoutSeconds"`
	ServiceAccountName   string `yaml:"serviceAccountName"`
	Containers           []cloudRunContainer
	Volumes              []struct {
		Name     string
		EmptyDir struct {
			Medium    string
			SizeLimit string `yaml:"sizeLimit"`
		} `yaml:"emptyDir"`
	}
}

type cloudRunContainer struct {
	Name, Image string
	Ports       []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	Env []struct {
		Name, Value string
		ValueFrom   struct {
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	Resources     struct{ Limits map[string]string }
	StartupProbe  cloudRunProbe `yaml:"startupProbe"`
	LivenessProbe cloudRunProbe `yaml:"livenessProbe"`
	VolumeMounts  []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type cloudRunProbe struct {
	HTTPGet struct {
		Path string
		Port int
	} `yaml:"httpGet"`
	InitialDelaySeconds int `yaml:"initialDelaySeconds"`
	PeriodSeconds       int `yaml:"periodSeconds"`
	TimeoutSeconds      int `yaml:"timeoutSeconds"`
	FailureThreshold    int `yaml:"failureThreshold"`
}

func TestCloudRun(t *testing.T) {
	for _, problem := range readCloudRun(t).problems() {
		t.Error(problem)
	}
}

func readCloudRun(t *testing.T) *cloudRunService {
	t.Helper()
	text, err := os.ReadFile("cloudrun.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := new(cloudRunService)
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// problems names what in s the platform would refuse, or what would not work with the image.
func (s *cloudRunService) problems() (found []string) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	check(s.APIVersion == "serving.knative.dev/v1" && s.Kind == "Service", "not a Service: %s %s", s.APIVersion, s.Kind)
	for _, name := range []string{"minScale", "maxScale"} {
		v := s.Metadata.Annotations["run.googleapis.com/"+name]
		check(v == "1", "%s is %q on the service: one writer, always there", name, v)
	}
	for name := range s.Spec.Template.Metadata.Annotations {
		check(!strings.HasSuffix(name, "Scale"), "%s on the revision keeps old instances up", name)
	}
	throttling := s.Spec.Template.Metadata.Annotations["run.googleapis.com/cpu-throttling"]
	check(throttling == "false", "cpu-throttling is %q: runs would stand still between requests", throttling)
	check(len(s.Spec.Traffic) == 1 && s.Spec.Traffic[0].LatestRevision && s.Spec.Traffic[0].Percent == 100, "traffic %+v: want all of it on the latest revision", s.Spec.Traffic)

	if len(s.Spec.Template.Spec.Containers) != 1 {
		return append(found, "want one container")
	}
	rev, c := s.Spec.Template.Spec, s.Spec.Template.Spec.Containers[0]
	check(c.Image == "IMAGE", "image is %q: IMAGE, no registry is ours to name", c.Image)
	check(len(c.Ports) == 1, "ports %+v: only one may be listed", c.Ports)
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
		check(e.Name != "PORT", "PORT is the platform's to set")
		check((e.Value == "") != (e.ValueFrom.SecretKeyRef.Name == ""), "%s needs a value or a secret", e.Name)
	}
	_, health, _ := strings.Cut(env["STEPWELL_HEALTH_ADDR"], "0.0.0.0:")
	drain, err := time.ParseDuration(env["STEPWELL_DRAIN"])
	check(err == nil && drain <= 7*time.Second, "STEPWELL_DRAIN %q: SIGKILL comes 10s after SIGTERM, leave 3s to close", env["STEPWELL_DRAIN"])

	check(len(c.VolumeMounts) == 1 && len(rev.Volumes) == 1 && c.VolumeMounts[0].Name == rev.Volumes[0].Name && c.VolumeMounts[0].MountPath == "/data",
		"volume mounts %+v: want one volume at /data", c.VolumeMounts)
	check(len(rev.Volumes) == 1 && rev.Volumes[0].EmptyDir.SizeLimit != "", "volumes %+v: without sizeLimit the file takes the container's memory", rev.Volumes)
	check(strings.HasPrefix(env["STEPWELL_STORE"], "sqlite:/data/"), "the store %q is not on the volume", env["STEPWELL_STORE"])

	for _, p := range []struct {
		name, path string
		probe      cloudRunProbe
		maxPeriod  int
	}{
		{"startupProbe", "/startupz", c.StartupProbe, 240},
		{"livenessProbe", "/livez", c.LivenessProbe, 3600},
	} {
		check(p.probe.HTTPGet.Path == p.path, "%s asks %s, want %s", p.name, p.probe.HTTPGet.Path, p.path)
		check(fmt.Sprint(p.probe.HTTPGet.Port) == health, "%s asks port %d, want that of STEPWELL_HEALTH_ADDR on all addresses, %q", p.name, p.probe.HTTPGet.Port, env["STEPWELL_HEALTH_ADDR"])
		check(p.probe.InitialDelaySeconds >= 0 && p.probe.InitialDelaySeconds <= 240, "%s: initialDelaySeconds %d is out of bounds", p.name, p.probe.InitialDelaySeconds)
		check(p.probe.PeriodSeconds >= 1 && p.probe.PeriodSeconds <= p.maxPeriod, "%s: periodSeconds %d is out of bounds", p.name, p.probe.PeriodSeconds)
		check(p.probe.TimeoutSeconds >= 1 && p.probe.TimeoutSeconds < p.probe.PeriodSeconds, "%s: timeoutSeconds %d is not below periodSeconds", p.name, p.probe.TimeoutSeconds)
		check(p.probe.FailureThreshold >= 1, "%s: failureThreshold %d", p.name, p.probe.FailureThreshold)
	}
	check(c.StartupProbe.PeriodSeconds*c.StartupProbe.FailureThreshold <= 240, "startupProbe: period times threshold is above 240s")
	return found
}

// TestCloudRunProblems shows that each rule can fail.
func TestCloudRunProblems(t *testing.T) {
	cases := map[string]func(*cloudRunService, *cloudRunContainer){
		"not a Service": func(s *cloudRunService, _ *cloudRunContainer) { s.Kind = "Job" },
		"maxScale": func(s *cloudRunService, _ *cloudRunContainer) {
			s.Metadata.Annotations["run.googleapis.com/maxScale"] = "2"
		},
		"on the revision": func(s *cloudRunService, _ *cloudRunContainer) {
			s.Spec.Template.Metadata.Annotations["autoscaling.knative.dev/minScale"] = "1"
		},
		"cpu-throttling":    func(s *cloudRunService, _ *cloudRunContainer) { s.Spec.Template.Metadata.Annotations = nil },
		"traffic":           func(s *cloudRunService, _ *cloudRunContainer) { s.Spec.Traffic[0].Percent = 50 },
		"want one contain":  func(s *cloudRunService, _ *cloudRunContainer) { s.Spec.Template.Spec.Containers = nil },
		"image is":          func(_ *cloudRunService, c *cloudRunContainer) { c.Image = "host/stepwell" },
		"only one may be":   func(_ *cloudRunService, c *cloudRunContainer) { c.Ports = append(c.Ports, c.Ports[0]) },
		"platform's to set": func(_ *cloudRunService, c *cloudRunContainer) { c.Env[0].Name = "PORT" },
		"needs a value":     func(_ *cloudRunService, c *cloudRunContainer) { c.Env[0].Value = "" },
		"STEPWELL_HEALTH":   func(_ *cloudRunService, c *cloudRunContainer) { c.Env[0].Value = "127.0.0.1:8081" },
		"not on the volume": func(_ *cloudRunService, c *cloudRunContainer) { c.Env[1].Value = "sqlite:stepwell.db" },
		"STEPWELL_DRAIN":    func(_ *cloudRunService, c *cloudRunContainer) { c.Env[2].Value = "10s" },
		"volume mounts":     func(_ *cloudRunService, c *cloudRunContainer) { c.VolumeMounts[0].MountPath = "/var" },
		"without sizeLimit": func(s *cloudRunService, _ *cloudRunContainer) {
			s.Spec.Template.Spec.Volumes[0].EmptyDir.SizeLimit = ""
		},
		"want /startupz":    func(_ *cloudRunService, c *cloudRunContainer) { c.StartupProbe.HTTPGet.Path = "/readyz" },
		"want /livez":       func(_ *cloudRunService, c *cloudRunContainer) { c.LivenessProbe.HTTPGet.Path = "/health" },
		"asks port":         func(_ *cloudRunService, c *cloudRunContainer) { c.LivenessProbe.HTTPGet.Port = 8080 },
		"initialDelay":      func(_ *cloudRunService, c *cloudRunContainer) { c.StartupProbe.InitialDelaySeconds = 241 },
		"periodSeconds 241": func(_ *cloudRunService, c *cloudRunContainer) { c.StartupProbe.PeriodSeconds = 241 },
		"timeoutSeconds 10": func(_ *cloudRunService, c *cloudRunContainer) { c.LivenessProbe.TimeoutSeconds = 10 },
		"failureThreshold":  func(_ *cloudRunService, c *cloudRunContainer) { c.LivenessProbe.FailureThreshold = 0 },
		"above 240s":        func(_ *cloudRunService, c *cloudRunContainer) { c.StartupProbe.FailureThreshold = 121 },
	}
	for want, spoil := range cases {
		t.Run(want, func(t *testing.T) {
			s := readCloudRun(t)
			spoil(s, &s.Spec.Template.Spec.Containers[0])
			requireProblem(t, s.problems(), want)
		})
	}
}

func requireProblem(t *testing.T, problems []string, want string) {
	t.Helper()
	for _, p := range problems {
		if strings.Contains(p, want) {
			return
		}
	}
	t.Errorf("no problem says %q: %q", want, problems)
}
