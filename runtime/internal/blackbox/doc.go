// Package blackbox tests whole processes: it starts them, talks to them over
// HTTP, kills them, fills their disk and takes their collector away. There is
// nothing in it to import.
package blackbox
