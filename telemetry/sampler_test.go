package telemetry

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

func TestSamplerRatio(t *testing.T) {
	for _, name := range []string{"traceidratio", "parentbased_traceidratio"} {
		setEnv(t, "TRACES_SAMPLER="+name, "TRACES_SAMPLER_ARG=0.25")
		s, err := readSampler()
		if err != nil {
			t.Fatal(err)
		}
		rnd, n, yes := rand.New(rand.NewPCG(1, 2)), 20000, 0
		for range n {
			var id [16]byte
			binary.BigEndian.PutUint64(id[:], rnd.Uint64())
			binary.BigEndian.PutUint64(id[8:], rnd.Uint64())
			sampled := s.sample(id, nil)
			if sampled {
				yes++
			}
			if sampled != s.sample(id, nil) {
				t.Fatalf("%s: two decisions about one trace", name)
			}
		}
		if got := float64(yes) / float64(n); math.Abs(got-0.25) > 0.02 {
			t.Errorf("%s: sampled %.3f of the traces, want 0.25", name, got)
		}
	}
}

func TestSamplerAndTheCaller(t *testing.T) {
	yes, no := true, false
	for _, tt := range []struct {
		name               string
		alone, onYes, onNo bool
	}{
		{"", true, true, false},
		{"parentbased_always_on", true, true, false},
		{"parentbased_always_off", false, true, false},
		{"parentbased_traceidratio", true, true, false},
		{"always_on", true, true, true},
		{"always_off", false, false, false},
		{"Always_On", true, true, true},
	} {
		setEnv(t, "TRACES_SAMPLER="+tt.name)
		s, err := readSampler()
		if err != nil {
			t.Fatal(err)
		}
		id := [16]byte{1}
		if a, y, n := s.sample(id, nil), s.sample(id, &yes), s.sample(id, &no); a != tt.alone || y != tt.onYes || n != tt.onNo {
			t.Errorf("%q: alone %v, caller sampled %v, caller not sampled %v", tt.name, a, y, n)
		}
		if n := testing.AllocsPerRun(100, func() { s.sample(id, nil) }); n > 0 {
			t.Errorf("%q: %v allocations", tt.name, n)
		}
	}
}
