package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/stepwell/stepwell/runtime"
)

const exportUsage = "file to write; - is standard output"

// runsExport prints a run with its history, or writes it to a file.
func runsExport() *cobra.Command {
	c := &cobra.Command{Use: "export RUN-ID", Short: "Write the history of a run, for replay", Args: takes("RUN-ID"),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			data, err := cl.call(c.Context(), http.MethodGet, runPath(args[0], "history"), nil, nil)
			if err != nil {
				return err
			}
			// Not through a decoder: it would round large numbers.
			var b bytes.Buffer
			if err := json.Indent(&b, data, "", "  "); err != nil {
				return fmt.Errorf("answer of %s: %w", cl.base, err)
			}
			file := c.Flag("output").Value.String()
			if file == "-" {
				_, err = b.WriteTo(c.OutOrStdout())
				return err
			}
			return os.WriteFile(file, b.Bytes(), 0o600) // it may hold what only the owner may read
		}}
	// Hides that of the group, which says how tables are printed.
	c.Flags().StringP("output", "o", "-", exportUsage)
	return c
}

// replayCommand runs the program's workflows over exported histories.
func (a *App) replayCommand() *cobra.Command {
	return &cobra.Command{
		Use: "replay FILE...", Args: takes("FILE..."),
		Short: "Run exported histories against this code; exit code 0 when all fit",
		RunE: func(c *cobra.Command, args []string) error {
			failed := 0
			for _, file := range args {
				h, err := readHistory(c.InOrStdin(), file)
				if err == nil {
					err = runtime.Replay(c.Context(), h, a.Definitions...)
				}
				if err != nil {
					failed++
					fmt.Fprintf(c.OutOrStdout(), "%s: FAILED: %s\n", file, oneLine(err))
					continue
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: ok: run %s of %s, %d rows\n", file, h.Run.ID, h.Run.Workflow, len(h.Steps))
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d histories do not fit", failed, len(args))
			}
			return nil
		},
	}
}

func readHistory(stdin io.Reader, file string) (*runtime.History, error) {
	var data []byte
	var err error
	if file == "-" {
		data, err = io.ReadAll(stdin)
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	return runtime.ParseHistory(data)
}
