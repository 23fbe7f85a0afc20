package app

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// command builds the command line.
func (a *App) command(name string) *cobra.Command {
	root := &cobra.Command{
		Use: name, Short: "Durable workflows in one process", SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serveCommand(c) },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	addSettings(root.Flags())
	serve := &cobra.Command{
		Use: "serve", Short: "Serve the API and execute runs (the default)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serveCommand(c) },
	}
	addSettings(serve.Flags())
	root.AddCommand(serve, versionCommand(name), healthcheckCommand(), configHelp())
	root.AddCommand(a.Commands...)
	return root
}

// noteStart has every command say that it began: errors before that are in the
// usage.
func noteStart(c *cobra.Command, began *bool) {
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error { *began = true; return run(c, args) }
	} else if run := c.Run; run != nil {
		c.Run = func(c *cobra.Command, args []string) { *began = true; run(c, args) }
	}
	for _, sub := range c.Commands() {
		noteStart(sub, began)
	}
}

// oneLine keeps an error on one line.
func oneLine(err error) string {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

func addSettings(f *pflag.FlagSet) {
	for _, s := range settings {
		usage := s.help + " (" + s.env + ")"
		f.String(s.flag, s.def, usage)
	}
}

// given returns the flags that were set.
func given(c *cobra.Command) map[string]string {
	m := map[string]string{}
	c.Flags().Visit(func(f *pflag.Flag) { m[f.Name] = f.Value.String() })
	return m
}

func (a *App) serveCommand(c *cobra.Command) error {
	cfg, err := readConfig(given(c), os.Getenv)
	if err != nil {
		return err
	}
	return a.serve(cfg)
}

func versionCommand(name string) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), name, buildID())
			return err
		},
	}
}

func configHelp() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "All settings", Args: cobra.NoArgs}
	c.Run = func(c *cobra.Command, _ []string) { printSettings(c) }
	c.SetHelpFunc(func(c *cobra.Command, _ []string) { printSettings(c) })
	return c
}

func printSettings(c *cobra.Command) {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "VARIABLE\tFLAG\tDEFAULT\tMEANING")
	for _, s := range settings {
		fmt.Fprintf(w, "%s\t--%s\t%s\t%s\n", s.env, s.flag, s.def, s.help)
	}
}

func healthcheckCommand() *cobra.Command {
	c := &cobra.Command{Use: "healthcheck", Short: "Ask a server on this machine how it is; exit code 0 or 1", Args: cobra.NoArgs}
	c.Flags().String("health-addr", "", "its health listener (STEPWELL_HEALTH_ADDR)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := readConfig(given(c), os.Getenv)
		if err != nil {
			return err
		}
		client := &http.Client{Timeout: 2 * time.Second}
		resp, err := client.Get("http://" + strings.Replace(cfg.healthAddr, "0.0.0.0", "127.0.0.1", 1) + "/health")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("health: %s", resp.Status)
		}
		fmt.Println("ok")
		return nil
	}
	return c
}
