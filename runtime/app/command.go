package app

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

// command builds the command line.
func (a *App) command(name string) *cobra.Command {
	root := &cobra.Command{
		Use: name, Short: "Durable workflows in one process",
		SilenceErrors: true, SilenceUsage: true,
		Args: noSubcommand, RunE: a.serveCommand,
	}
	root.SetFlagErrorFunc(flagError)
	addSettings(root.Flags())
	serve := &cobra.Command{
		Use: "serve", Short: "Serve the API and execute runs (the default)",
		Args: takes(), RunE: a.serveCommand,
	}
	addSettings(serve.Flags())
	root.AddCommand(serve, runsCommand(), a.replayCommand(), healthcheckCommand(), versionCommand(name), configHelp())
	root.AddCommand(queuesCommand(), schedulesCommand(), workflowsCommand())
	addCompletions(root)
	addExamples(root)
	root.AddCommand(a.Commands...)
	strictDefaults(root)
	return root
}

// strictDefaults has the commands that cobra brings refuse what they do not
// know, as all others do.
func strictDefaults(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args, c.RunE = noSubcommand, func(c *cobra.Command, _ []string) error { return c.Help() }
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				found, rest, err := root.Find(args)
				if err != nil || len(rest) > 0 {
					return noSubcommand(found, append(rest, args...)[:1])
				}
				return nil
			}
		}
	}
}

func (a *App) serveCommand(c *cobra.Command, _ []string) error {
	cfg, err := readConfig(given(c), os.Getenv)
	if err != nil {
		return err
	}
	return a.serve(cfg)
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

// takes checks the number of arguments. A name in brackets may be left out,
// one that ends in dots may be repeated.
func takes(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		low, high := 0, len(names)
		for _, n := range names {
			if !strings.HasPrefix(n, "[") {
				low++
			}
			if strings.HasSuffix(strings.TrimSuffix(n, "]"), "...") {
				high = len(args)
			}
		}
		switch {
		case len(args) >= low && len(args) <= high:
			return nil
		case len(names) == 0:
			return UsageErrorf("%s takes no arguments, got %q", c.CommandPath(), args[0])
		}
		return UsageErrorf("%s takes %s, got %d arguments", c.CommandPath(), strings.Join(names, " "), len(args))
	}
}

// group makes a command for the commands about one thing. On its own it lists
// them, or does what list does.
func group(name, short string, list *cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short, Args: noSubcommand, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	addClientFlags(c)
	if list != nil {
		c.RunE = list.RunE
		c.Flags().AddFlagSet(list.Flags())
	}
	return c
}

// oneLine keeps an error on one line.
func oneLine(err error) string {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, term.Clean(line))
		}
	}
	return strings.Join(lines, "; ")
}

func addSettings(f *pflag.FlagSet) {
	f.SortFlags = false
	for _, s := range settings {
		f.String(s.flag, s.def, s.help+" ("+s.env+")")
	}
}

// given returns the flags that were set.
func given(c *cobra.Command) map[string]string {
	m := map[string]string{}
	c.Flags().Visit(func(f *pflag.Flag) { m[f.Name] = f.Value.String() })
	return m
}

func versionCommand(name string) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: takes(),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), name, buildID())
			return err
		},
	}
}

// configHelp is "help config": a command without a function is a help topic.
func configHelp() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "All settings, with their flags, variables and defaults"}
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
	fmt.Fprintf(w, "%s\t--url\thttp://127.0.0.1:8080\tserver that the client commands talk to; by default the one that would listen here, by STEPWELL_ADDR or PORT\n", urlVar)
	fmt.Fprintf(w, "%s\t--token\t\ttoken that they show it\n", tokenVar)
	fmt.Fprintln(w, "OTEL_*\t\t\ttelemetry, by the OpenTelemetry specification; off unless an endpoint or exporter is set")
	fmt.Fprintln(w, "GOGC, GOMEMLIMIT\t\t20 to 100, none\tthe garbage collector's, as in every Go program; by default GOGC follows what is allocated")
}
