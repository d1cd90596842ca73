package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestBetween(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		duration time.Duration
		want     string
	}{
		{1500 * time.Millisecond, "2 s"},
		{5*time.Minute + 5*time.Second, "5 min"},
		{2 * time.Hour, "2 h"},
		{2*time.Hour + 20*time.Minute, "2 h 20 min"},
	} {
		if got := between(time.Time{}, time.Time{}.Add(test.duration)); got != test.want {
			t.Errorf("%s is %q, want %q", test.duration, got, test.want)
		}
	}
}

func TestDraw(t *testing.T) {
	var drawings []string
	for range 2 {
		seen, err := watch()
		if err != nil {
			t.Fatal(err)
		}
		drawings = append(drawings, draw(seen))
	}
	if drawings[0] != drawings[1] {
		t.Errorf("two runs drew different things:\n%s\n%s", drawings[0], drawings[1])
	}
	// The order of the moments, with the defaults of the simulator and the provider.
	const want = "new key created Qovery gets it 12 s staging deployed 5 min production deployed 5 min " +
		"old key Inactive 2 h 20 min old key deleted 24 h "
	if got := strings.Join(texts(t, drawings[0]), " "); !strings.Contains(got, want) {
		t.Errorf("the moments and the times between them are not %q: %s", want, got)
	}
}

// texts returns the texts in a drawing. It fails the test if the drawing is not XML.
func texts(t *testing.T, drawing string) []string {
	t.Helper()
	var found []string
	decoder := xml.NewDecoder(strings.NewReader(drawing))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("the drawing is not XML: %s", err)
		}
		if data, ok := token.(xml.CharData); ok && strings.TrimSpace(string(data)) != "" {
			found = append(found, string(data))
		}
	}
}
