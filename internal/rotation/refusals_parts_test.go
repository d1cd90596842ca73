package rotation

import (
	"testing"
	"time"
)

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 10 * time.Second: "10s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", 20 * time.Hour: "20h", 100 * time.Minute: "1h40m",
		time.Hour + time.Second: "1h0m1s", -2 * time.Hour: "-2h",
	} {
		if got := Short(d); got != want {
			t.Errorf("Short(%d) = %q, want %q", d, got, want)
		}
	}
}
