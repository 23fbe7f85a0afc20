// Package world reads and writes.
package world

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/stepwell/stepwell/runtime"
)

var db *sql.DB

var Mirror = runtime.Define("mirror", func(ctx context.Context, url string) (string, error) {
	resp, err := http.Get(url) // want `http.Get is done again in each replay; use runtime.Step`
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, strings.NewReader(""))
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "text/plain")
	if _, err := http.DefaultClient.Do(req); err != nil { // want `http.Client.Do is done again`
		return http.StatusText(500), err
	}
	if os.Getenv("REGION") == "" { // want `os.Getenv is done again in each replay; use runtime.Step`
		return "", os.ErrNotExist
	}
	if _, err := os.Open(os.Args[1]); os.IsNotExist(err) { // want `os.Open is done again` `os.Args is done again`
		return "", err
	}
	if err := exec.CommandContext(ctx, "ls").Run(); err != nil { // want `exec.Cmd.Run is done again`
		return "", err
	}
	if _, err := db.ExecContext(ctx, "DELETE FROM t"); err != nil { // want `sql.DB.ExecContext is done again in each replay; use runtime.Step, or runtime.Tx in the store's own database`
		return "", err
	}
	if _, err := net.Dial("tcp", url); err != nil { // want `net.Dial is done again`
		return "", err
	}
	host, _, err := net.SplitHostPort(url)
	fmt.Fprintln(os.Stderr, host, err) // a second time, and no harm done
	slog.Info("mirrored", "host", net.ParseIP(host))
	if err := runtime.Compensate(ctx, "remove", func(context.Context) error { return os.Remove(url) }); err != nil {
		return "", err
	}
	return runtime.Tx(ctx, "save", func(ctx context.Context, tx *sql.Tx) (string, error) {
		_, err := tx.ExecContext(ctx, "DELETE FROM t")
		return "", err
	})
})
