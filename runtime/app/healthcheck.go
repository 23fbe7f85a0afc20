package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckCommand is for HEALTHCHECK in an image that has no shell.
func healthcheckCommand() *cobra.Command {
	c := &cobra.Command{Use: "healthcheck", Short: "Ask the server on this machine how it is; exit code 0 or 1", Args: takes()}
	c.Flags().String("health-addr", "127.0.0.1:8081", "its health listener (STEPWELL_HEALTH_ADDR)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := readConfig(given(c), os.Getenv, "health-addr")
		if err != nil {
			return err
		}
		status, err := askHealth(cfg.healthAddr)
		if err == nil {
			fmt.Fprintln(c.OutOrStdout(), status)
		}
		return err
	}
	return c
}

// askHealth returns the status that the health listener on addr reports; an
// error when it fails or does not answer.
func askHealth(addr string) (string, error) {
	client := &http.Client{Timeout: 2 * time.Second}
	resp, err := client.Get("http://" + dialable(addr) + "/health")
	if err != nil {
		return "", fmt.Errorf("no answer from the health listener: %w", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	var body struct {
		Status  string
		Reasons []string
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&body); err != nil || body.Status == "" {
		return "", fmt.Errorf("what answers on %s is no health listener: %s", addr, resp.Status)
	}
	text := strings.Join(append([]string{body.Status}, body.Reasons...), ": ")
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(text)
	}
	return text, nil
}

// dialable replaces an address to listen on by one to connect to.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}
