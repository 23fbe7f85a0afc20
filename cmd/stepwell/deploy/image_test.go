package deploy

import (
	"bytes"
	"crypto/x509"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	baseImage    = "golang:1.26-bookworm"
	imageVersion = "1.2.3-test"
	imageUser    = 65532
	imageLimit   = 40e6 // bytes, unpacked
)

// TestImage builds the image and runs it: without a container engine, so the engine's own part stays unproven
// (that it runs HEALTHCHECK on time, and its seccomp and capability defaults). The rest is real: the root is a
// read-only mount, /data a fresh copy of the image's folder as an empty named volume gets it.
func TestImage(t *testing.T) {
	needTools(t)
	img := buildImage(t)

	t.Run("config", img.testConfig)
	t.Run("contents", img.testContents)
	t.Run("binary", img.testBinary)
	t.Run("version", img.testVersion)
	t.Run("serves", img.testServes)
}

// needTools skips where the image cannot be built. In CI that is a failure: nothing else would build it.
func needTools(t *testing.T) {
	var missing []string
	for _, tool := range []string{"buildah", "debootstrap", "unshare", "chroot", "flock"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if os.Geteuid() != 0 {
		missing = append(missing, "the rights of root")
	}
	switch {
	case len(missing) == 0:
	case os.Getenv("CI") == "true":
		t.Fatalf("building the image needs %s; .ci/run installs it", strings.Join(missing, ", "))
	default:
		t.Skipf("building the image needs %s", strings.Join(missing, ", "))
	}
}

// image is a built image, with one container's files mounted at root.
type image struct {
	store  []string // the flags that name the image store
	name   string
	root   string
	config imageConfig
}

type imageConfig struct {
	User         string
	Env          []string
	Entrypoint   []string
	Cmd          []string
	WorkingDir   string
	StopSignal   string
	ExposedPorts map[string]struct{}
	Volumes      map[string]struct{}
	Labels       map[string]string
	Healthcheck  struct {
		Test     []string
		Interval time.Duration
		Timeout  time.Duration
	}
}

func buildImage(t *testing.T) *image {
	readContext(t)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache = filepath.Join(cache, "stepwell-image")
	began := time.Now()
	run(t, "bash", "testdata/base-image", cache, baseImage, strings.TrimSpace(run(t, "go", "env", "GOROOT")))
	t.Logf("base image: %v", time.Since(began).Round(time.Millisecond))

	img := &image{
		// A store of its own: the name of the stand-in must not shadow the real image in the user's.
		store: []string{"--storage-driver", "vfs", "--root", cache + "/storage", "--runroot", cache + "/run"},
		name:  fmt.Sprintf("localhost/stepwell:test-%d", os.Getpid()),
	}
	began = time.Now()
	args := []string{
		"bud", "--isolation", "chroot", "--format", "docker", "--pull-never", "--layers=false",
		"--build-arg", "VERSION=" + imageVersion,
		"--build-arg", "GOPROXY=" + strings.TrimSpace(run(t, "go", "env", "GOPROXY")),
	}
	if ca := os.Getenv("SSL_CERT_FILE"); ca != "" {
		args = append(args, "--secret", "id=ca,src="+ca)
	}
	img.buildah(t, append(args, "-t", img.name, top)...)
	t.Logf("image: %v", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() { img.buildah(t, "rmi", img.name) })

	var inspected struct {
		Docker struct {
			Config imageConfig `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(img.buildah(t, "inspect", "--type", "image", img.name)), &inspected); err != nil {
		t.Fatal(err)
	}
	img.config = inspected.Docker.Config
	img.root = strings.TrimSpace(img.buildah(t, "mount", img.container(t)))
	return img
}

// readContext looks at all that the image is built from. The build reads it in another process, where go test does
// not see it: without this a cached pass would outlive a change.
func readContext(t *testing.T) {
	for _, name := range []string{"Dockerfile", ".dockerignore", "LICENSE", "go.mod", "go.sum", "cmd", "runtime", "store", "telemetry"} {
		err := filepath.WalkDir(filepath.Join(top, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// container makes a container of the image that ends with the test.
func (img *image) container(t *testing.T) string {
	id := strings.TrimSpace(img.buildah(t, "from", "--pull-never", img.name))
	t.Cleanup(func() { img.buildah(t, "rm", id) })
	return id
}

func (img *image) buildah(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, "buildah", append(img.store[:len(img.store):len(img.store)], args...)...)
}

func (img *image) testConfig(t *testing.T) {
	c := img.config
	want := imageConfig{
		User:         "65532:65532",
		Env:          c.Env,
		Entrypoint:   []string{"/stepwell"},
		Cmd:          []string{"serve"},
		WorkingDir:   "/data",
		StopSignal:   "SIGTERM",
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "8081/tcp": {}},
		Volumes:      map[string]struct{}{"/data": {}},
		Labels:       c.Labels,
		Healthcheck:  c.Healthcheck,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	// The vector form: there is no shell to run the other.
	if diff := cmp.Diff([]string{"CMD", "/stepwell", "healthcheck"}, c.Healthcheck.Test); diff != "" {
		t.Errorf("healthcheck (-want +got):\n%s", diff)
	}
	if c.Healthcheck.Timeout >= c.Healthcheck.Interval {
		t.Errorf("healthcheck: timeout %v is not below the interval %v", c.Healthcheck.Timeout, c.Healthcheck.Interval)
	}
	if got := c.Labels["org.opencontainers.image.version"]; got != imageVersion {
		t.Errorf("version label %q, want %q", got, imageVersion)
	}
	for _, want := range []string{
		"PORT=8080", "STEPWELL_HEALTH_ADDR=0.0.0.0:8081", "STEPWELL_STORE=sqlite:/data/stepwell.db", "TMPDIR=/data",
	} {
		if !strings.Contains("\n"+strings.Join(c.Env, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("environment %q lacks %s", c.Env, want)
		}
	}
}

func (img *image) testContents(t *testing.T) {
	var names []string
	var size int64
	err := filepath.WalkDir(img.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == img.root {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, img.root)
		names = append(names, name)
		if info.Mode().IsRegular() {
			size += info.Size()
		}
		owner, mine := int(info.Sys().(*syscall.Stat_t).Uid), 0
		if name == "/data" {
			mine = imageUser
		}
		if owner != mine {
			t.Errorf("%s belongs to %d, want %d", name, owner, mine)
		}
		if info.Mode()&0o022 != 0 || info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			t.Errorf("%s has mode %v: writable by others, or raises rights", name, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/LICENSE", "/data", "/etc", "/etc/ssl", "/etc/ssl/certs", "/etc/ssl/certs/ca-certificates.crt", "/stepwell",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	t.Logf("size: %.1f MB", float64(size)/1e6)
	if size > imageLimit {
		t.Errorf("image has %d bytes, the limit is %.0f", size, imageLimit)
	}
	roots, err := os.ReadFile(filepath.Join(img.root, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(roots) {
		t.Error("the CA bundle holds no certificate")
	}
}

func (img *image) testBinary(t *testing.T) {
	path := filepath.Join(img.root, "stepwell")
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary is not static: it has a %v segment", p.Type)
		}
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
		if strings.HasPrefix(s.Key, "vcs") {
			t.Errorf("the binary carries %s: the same source would not give the same bytes", s.Key)
		}
	}
	if settings["-trimpath"] != "true" || settings["CGO_ENABLED"] != "0" {
		t.Errorf("built with -trimpath=%s CGO_ENABLED=%s, want true and 0", settings["-trimpath"], settings["CGO_ENABLED"])
	}
	// The image has no zone files.
	if deps := run(t, "go", "list", "-deps", top+"/cmd/stepwell"); !strings.Contains(deps, "\ntime/tzdata\n") {
		t.Error("the binary has no time zones: import _ \"time/tzdata\" in runtime/app")
	}
}

// testVersion runs in a container as buildah sets it up, with the image's own user and working folder.
func (img *image) testVersion(t *testing.T) {
	got := img.buildah(t, "run", "--isolation", "chroot", img.container(t), "--", "/stepwell", "version")
	if !strings.Contains(got, imageVersion) {
		t.Errorf("stepwell version printed %q, want %s in it", got, imageVersion)
	}
}

// run returns what the command printed to its standard output; a failure ends the test with all it said.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	// Not t.Context: it has ended when cleanups run.
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, &stdout, &stderr)
	}
	return stdout.String()
}
