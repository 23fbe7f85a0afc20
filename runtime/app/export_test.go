package app

import "github.com/spf13/cobra"

// Tree is the command line of a program called stepwell without workflows.
func Tree() *cobra.Command { return (&App{}).command("stepwell") }
