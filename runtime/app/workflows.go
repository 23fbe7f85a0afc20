package app

import (
	"maps"
	"net/http"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// workflowsCommand lists the workflows.
func workflowsCommand() *cobra.Command {
	list := clientCommand("list", "List workflows, with an example of the input each takes", takes(), func(r *request, _ *pflag.FlagSet, _ []string) error {
		data, err := r.call(r.ctx, http.MethodGet, "/v1/workflows", nil, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.workflowsTable)
	})
	c := group("workflows", "Look at the workflows that can be started", list)
	c.AddCommand(list)
	return c
}

func (r *request) workflowsTable(data []byte) ([]string, error) {
	var list struct{ Workflows []workflowView }
	if err := r.decode(data, &list); err != nil {
		return nil, err
	}
	if len(list.Workflows) == 0 && r.out.Terminal {
		return []string{r.out.Paint(term.Faint, "the program defines no workflows: runtime.Define makes one")}, nil
	}
	t := term.Table{Head: []string{"WORKFLOW", "QUEUE", "VERSION", "EXAMPLE OF AN INPUT"}, Shrink: []int{3, 2}}
	for _, w := range list.Workflows {
		t.Row(w.Name, w.Queue, w.Version, w.example())
	}
	return t.Lines(r.out), nil
}
