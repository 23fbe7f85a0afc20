package sqlite

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Tests that need another process run this binary again, as one of these.
var children = map[string]func() error{
	"open": childOpen, "writer": childWriter, "full": childFull, "nobody": childNobody,
}

const childKey = "STEPWELL_SQLITE_TEST_CHILD"

func TestMain(m *testing.M) {
	if name := os.Getenv(childKey); name != "" {
		if err := children[name](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// child prepares this binary to run as the child, with the path in its
// environment.
func child(t *testing.T, name, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childKey+"="+name, "DB="+path)
	return cmd
}

// runChild runs the child to its end.
func runChild(t *testing.T, name, path string) string {
	t.Helper()
	cmd := child(t, name, path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("child %s: %v\n%s", name, err, out)
	}
	return string(out)
}
