package rotation

import (
	"testing"
	"time"
)

func TestPaced(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name             string
		left             int
		untilReset, want time.Duration
	}{
		{"plenty", 1440, time.Hour, 5 * time.Second},
		{"the whole budget of an hour", 1000, time.Hour, 7200 * time.Millisecond},
		{"little, and more soon", 10, 20 * time.Second, 5 * time.Second},
		{"little", 100, time.Hour, 72 * time.Second},
		{"three", 3, time.Hour, time.Hour},
		{"one", 1, 10 * time.Minute, 10 * time.Minute},
		{"none", 0, 10 * time.Minute, 10 * time.Minute},
		{"none, and the reset is past", 0, -time.Minute, 5 * time.Second},
	} {
		if got := paced(5*time.Second, test.left, test.untilReset); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
