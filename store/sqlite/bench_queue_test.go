package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
)

// BenchmarkClaimFromQueue measures one run claimed from a queue with ten
// places and ended, two commits, with so many runs waiting, in one line or in
// a thousand partitions; and how long it takes to count them.
//
//	go test ./store/sqlite -run - -bench ClaimFromQueue -benchtime 2000x
func BenchmarkClaimFromQueue(b *testing.B) {
	for _, queued := range []int{10_000, 100_000, 1_000_000} {
		for _, partitions := range []int{0, 1000} {
			b.Run(fmt.Sprintf("queued=%d/partitions=%d", queued, partitions), func(b *testing.B) {
				s := openTest(b, filepath.Join(b.TempDir(), "a.db"))
				fillQueue(b, s, queued, partitions)
				q := store.QueueLimit{Name: "q", Concurrency: 10, Limit: 1}
				req := store.ClaimRequest{Executor: "e", Now: testStart, Limit: 1, Queues: []store.QueueLimit{q}}
				b.ResetTimer()
				used := processorTime()
				for range b.N {
					runs, err := s.Claim(b.Context(), req)
					if err != nil || len(runs) != 1 {
						b.Fatalf("claimed %d, %v", len(runs), err)
					}
					if _, err := s.Finish(b.Context(), runs[0].Claim(), store.Outcome{Status: store.Succeeded, At: testStart}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64((processorTime()-used).Microseconds())/float64(b.N), "cpu-us/run")
				b.StopTimer()
				began := time.Now()
				if _, err := s.Stats(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(time.Since(began).Milliseconds()), "stats-ms")
			})
		}
	}
}

// fillQueue queues n runs, many in a commit.
func fillQueue(b *testing.B, s *Store, n, partitions int) {
	b.Helper()
	const batch = 10_000
	for from := 0; from < n; from += batch {
		err := s.w.do(context.Background(), false, func(tx *tx) error {
			for i := from; i < min(from+batch, n); i++ {
				r := testRun(fmt.Sprintf("run-%012d", i))
				r.Queue, r.ClaimFor = "q", ""
				if partitions > 0 {
					r.Partition = fmt.Sprint("tenant-", i%partitions)
				}
				if _, _, err := tx.create(r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClaimAtBounds measures the end of a run and the claim of the next
// one of its partition, two commits, where ten thousand others are at their
// bound and have runs waiting.
//
//	go test ./store/sqlite -run - -bench ClaimAtBounds -benchtime 2000x
func BenchmarkClaimAtBounds(b *testing.B) {
	const partitions = 10_000
	s := openTest(b, filepath.Join(b.TempDir(), "a.db"))
	fillQueue(b, s, 3*partitions, partitions)
	q := store.QueueLimit{Name: "q", PartitionConcurrency: 1}
	req := store.ClaimRequest{Executor: "e", Now: testStart, Limit: partitions, Queues: []store.QueueLimit{q}}
	runs, err := s.Claim(b.Context(), req)
	if err != nil || len(runs) != partitions {
		b.Fatalf("claimed %d, %v", len(runs), err)
	}
	b.ResetTimer()
	for range b.N {
		if _, err := s.Finish(b.Context(), runs[0].Claim(), store.Outcome{Status: store.Succeeded, At: testStart, HasPartition: true}); err != nil {
			b.Fatal(err)
		}
		next, err := s.Claim(b.Context(), req)
		if err != nil || len(next) != 1 {
			b.Fatalf("claimed %d, %v", len(next), err)
		}
		runs = append(runs[1:], next...)
	}
}
