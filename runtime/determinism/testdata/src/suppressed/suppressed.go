// Package suppressed keeps findings back.
package suppressed

import (
	"context"
	"os"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

var W = runtime.Define("w", func(ctx context.Context, n int) (int, error) {
	n = time.Now().Hour() //stepwell:ok only shown to people
	n = time.Now().Hour() // want `time.Now gives another time`
	//stepwell:ok the file is part of the image
	if _, err := os.ReadFile("template"); err != nil {
		return n, err
	}
	n = time.Now().Hour() /* want `time.Now gives another time` */ //stepwell:okay
	/* want `//stepwell:ok needs a reason` */ //stepwell:ok
	n = time.Now().Hour()                     // want `time.Now gives another time`
	return configured(), nil
})

// configured reads what never changes.
//
//stepwell:ok the variable is the same in every process
func configured() int { return len(os.Getenv("REGION")) }
