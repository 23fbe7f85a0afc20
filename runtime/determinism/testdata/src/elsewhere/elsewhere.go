// Package elsewhere has functions that others hand functions to.
package elsewhere

import "context"

func Retrying(ctx context.Context, fn func(context.Context) error) error { return nil }

func Each(n int, fn func(int)) {}
