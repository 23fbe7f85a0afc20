package browser

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// asShop makes this test binary the program of shop_test.go instead.
const asShop = "BROWSER_TEST_SHOP"

var screenshots = flag.String("screenshots", "", "keep a picture of every page in this `directory`")

func TestMain(m *testing.M) {
	if os.Getenv(asShop) != "" {
		shop().Main()
	}
	flag.Parse()
	code := m.Run()
	quit()
	os.Exit(code)
}

// ends are run after all tests.
var ends struct {
	sync.Mutex
	fns []func()
}

func atEnd(fn func()) {
	ends.Lock()
	defer ends.Unlock()
	ends.fns = append(ends.fns, fn)
}

func quit() {
	ends.Lock()
	defer ends.Unlock()
	for i := len(ends.fns) - 1; i >= 0; i-- {
		ends.fns[i]()
	}
}

// chromium is the one browser of all tests. Each has a tab in a profile of its own.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path, err := chromiumPath()
	if err != nil {
		return nil, err
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(path),
		chromedp.Flag("disable-dev-shm-usage", true), // a container's /dev/shm is small
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("lang", "en"),
	)
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox) // it has none for root
	}
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	atEnd(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	atEnd(cancel)
	began := make(chan error, 1)
	go func() { began <- chromedp.Do(ctx) }()
	select {
	case err = <-began:
	case <-time.After(time.Minute):
		err = errors.New("no answer within a minute")
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return ctx, nil
})

func chromiumPath() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoBrowser
}

var errNoBrowser = errors.New("there is no chromium: apt-get install chromium fonts-dejavu-core")

// needChromium skips where there is no browser. In CI that is a failure: nothing else would look at the UI.
func needChromium(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("drives a browser")
	}
	ctx, err := chromium()
	switch {
	case err == nil:
	case errors.Is(err, errNoBrowser) && os.Getenv("CI") != "true":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
	return ctx
}

// stepwell builds the binary that users get, once.
var stepwell = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "stepwell-browser-")
	if err != nil {
		return "", err
	}
	atEnd(func() { os.RemoveAll(dir) })
	binary := filepath.Join(dir, "stepwell")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/stepwell/stepwell/cmd/stepwell").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
})
