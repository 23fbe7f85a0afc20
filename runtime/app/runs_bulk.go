package app

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func runsDelete() *cobra.Command {
	return clientCommand("delete RUN-ID...", "Delete runs that have ended", takes("RUN-ID..."), func(r *request, _ *pflag.FlagSet, args []string) error {
		for _, id := range args {
			if _, err := r.call(r.ctx, http.MethodDelete, runPath(id), nil, nil); err != nil {
				return err
			}
			data, err := json.Marshal(map[string]string{"deleted": id})
			if err != nil {
				return err
			}
			err = r.print(data, func([]byte) error { _, err := fmt.Fprintf(r.out, "run %s is deleted\n", id); return err })
			if err != nil {
				return err
			}
		}
		return nil
	})
}
