package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/app/internal/term"
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
	c := &cobra.Command{
		Use: "replay FILE...", Args: takes("FILE..."),
		Short: "Run exported histories against this code; exit code 0 when all fit",
		RunE:  func(c *cobra.Command, args []string) error { return a.replay(c, args) },
	}
	c.Flags().StringP("output", "o", "table", "table or json")
	return c
}

// replayed is what came of one file.
type replayed struct {
	File     string `json:"file"`
	OK       bool   `json:"ok"`
	Run      string `json:"run,omitempty"`
	Workflow string `json:"workflow,omitempty"`
	Rows     int    `json:"rows"`
	Error    string `json:"error,omitempty"`
}

func (v *replayed) String() string {
	if !v.OK {
		return term.Inert(v.File) + ": FAILED: " + v.Error
	}
	return term.Inert(fmt.Sprintf("%s: ok: run %s of %s, %d rows", v.File, v.Run, v.Workflow, v.Rows))
}

func (a *App) replay(c *cobra.Command, files []string) error {
	form := c.Flag("output").Value.String()
	if form != "table" && form != "json" {
		return UsageErrorf("--output is %q: want table or json", form)
	}
	results := []replayed{}
	failed := 0
	p := term.To(c.ErrOrStderr(), os.Getenv).Progress("replay", len(files))
	defer sync.OnceFunc(p.End)()
	for i, file := range files {
		v := a.replayFile(c, file)
		if !v.OK {
			failed++
		}
		results = append(results, v)
		p.Set(i+1, "")
		if form != "table" {
			continue
		}
		if err := p.Above(func() error { _, err := fmt.Fprintln(c.OutOrStdout(), v.String()); return err }); err != nil {
			return err
		}
	}
	if form == "json" {
		enc := json.NewEncoder(c.OutOrStdout())
		enc.SetIndent("", "  ")
		if err := enc.Encode(map[string]any{"files": results}); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d histories do not fit", failed, len(files))
	}
	return nil
}

func (a *App) replayFile(c *cobra.Command, file string) replayed {
	v := replayed{File: file}
	h, err := readHistory(c.InOrStdin(), file)
	if err == nil {
		v.Run, v.Workflow, v.Rows = h.Run.ID, h.Run.Workflow, len(h.Steps)
		err = runtime.Replay(c.Context(), h, a.Definitions...)
	}
	if v.OK = err == nil; err != nil {
		v.Error = oneLine(err)
	}
	return v
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
