package main

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

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
	// The order of a rotation, with the times of the simulator's defaults.
	want := []string{
		"new key created", "first accepted by AWS", "cutover: Qovery holds it", "cluster runs with it", "old key Inactive",
		"old key deleted",
	}
	var got, times []string
	for _, text := range texts(t, drawings[0]) {
		switch {
		case slices.Contains(want, text):
			got = append(got, text)
		case strings.HasSuffix(text, " min"), strings.HasSuffix(text, " h"):
			times = append(times, text)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the moments are %q, want %q", got, want)
	}
	if want := []string{"5 min", "2 h"}; !slices.Equal(times, want) {
		t.Errorf("the long times between them are %q, want %q", times, want)
	}
}

// texts returns what a drawing says, and fails if it is not XML.
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
