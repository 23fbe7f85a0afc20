package app

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are shown with the help of each command. The program is called
// stepwell in them, and shown under its own name.
var examples = map[string]string{
	"serve": `stepwell serve
stepwell serve --addr 0.0.0.0:8080 --store sqlite:/data/stepwell.db`,
	"runs": `stepwell runs list --status failed --since 24h
stepwell runs start checkout '{"item":"tea"}' --wait 10s`,
	"runs list": `stepwell runs list
stepwell runs list --status failed,stuck --since 24h
stepwell runs list --workflow checkout --label team=red -o json`,
	"runs get": `stepwell runs get order-1
stepwell runs get order-1 -o json`,
	"runs steps": `stepwell runs steps order-1`,
	"runs start": `stepwell runs start checkout '{"item":"tea","cents":950}' --id order-1 --wait 10s
stepwell runs start checkout @order.json --label team=red
stepwell runs start report --delay 1h --queue nightly`,
	"runs wait": `stepwell runs wait order-1 --timeout 1m`,
	"runs cancel": `stepwell runs cancel order-1
stepwell runs cancel --workflow checkout --label team=red --dry-run
stepwell runs cancel --workflow checkout --label team=red --yes`,
	"runs resume": `stepwell runs resume order-1
stepwell runs resume --status stuck --yes`,
	"runs delete": `stepwell runs delete order-1
stepwell runs delete --status succeeded --until 720h --yes`,
	"runs export": `stepwell runs export order-1 -o testdata/order-1.json`,
	"runs fork": `stepwell runs fork order-1
stepwell runs fork order-1 --step 2 --id order-1-again`,
	"runs set-version": `stepwell runs set-version order-1 v2`,
	"runs send": `stepwell runs send order-1 approved true
stepwell runs send order-1 approved @approval.json --key approval-7`,
	"runs update": `stepwell runs update order-1 add-item '{"item":"cup"}' --wait 30s`,
	"runs event":  `stepwell runs event order-1 progress --wait 1m`,
	"runs stream": `stepwell runs stream order-1 log
stepwell runs stream order-1 log --follow`,
	"workflows":          `stepwell workflows`,
	"workflows list":     `stepwell workflows list -o json`,
	"queues":             `stepwell queues`,
	"queues list":        `stepwell queues list -o json`,
	"queues set":         `stepwell queues set emails --concurrency 20 --rate 100/1m+20`,
	"queues pause":       `stepwell queues pause emails`,
	"queues resume":      `stepwell queues resume emails`,
	"queues reset":       `stepwell queues reset emails`,
	"schedules":          `stepwell schedules`,
	"schedules list":     `stepwell schedules list --utc`,
	"schedules pause":    `stepwell schedules pause nightly`,
	"schedules resume":   `stepwell schedules resume nightly`,
	"schedules trigger":  `stepwell schedules trigger nightly`,
	"schedules backfill": `stepwell schedules backfill nightly --from 72h`,
	"replay":             `stepwell replay testdata/*.json`,
	"healthcheck":        `stepwell healthcheck`,
	"version":            `stepwell version`,
}

// addExamples gives c and the commands below it their examples.
func addExamples(c *cobra.Command) {
	root := c.Root().Name()
	path := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), root), " ")
	if text := examples[path]; text != "" && c.Example == "" {
		var lines []string
		for line := range strings.SplitSeq(text, "\n") {
			lines = append(lines, "  "+root+strings.TrimPrefix(line, "stepwell"))
		}
		c.Example = strings.Join(lines, "\n")
	}
	for _, sub := range c.Commands() {
		addExamples(sub)
	}
}
