package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

func ExampleHeartbeat() {
	crawl := runtime.Define("crawl", func(ctx context.Context, pages int) (int, error) {
		return runtime.Step(ctx, "fetch", func(ctx context.Context) (int, error) {
			page, again, err := runtime.LastHeartbeat[int](ctx)
			if err != nil {
				return 0, err
			}
			fmt.Println("begin at page", page)
			for ; page < pages; page++ {
				if err := runtime.Heartbeat(ctx, page); err != nil {
					return 0, err
				}
				if page == 2 && !again {
					return 0, errors.New("connection reset")
				}
			}
			return page, nil
		}, runtime.HeartbeatTimeout(time.Minute), runtime.Retry{Max: 3, Initial: time.Millisecond})
	})
	withRuntime(func(ctx context.Context) {
		fmt.Println(crawl.Call(ctx, 4))
	}, crawl)
	// Output:
	// begin at page 0
	// begin at page 2
	// 4 <nil>
}
