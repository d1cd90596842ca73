package simulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestRemoteClock(t *testing.T) {
	w := New(t)
	clock := must(Dial(w.ControlURL()))(t)
	if got := clock.Now(); !got.Equal(start) {
		t.Errorf("it is %s, want %s", got, start)
	}
	if err := clock.Sleep(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := w.Clock().Now().Sub(start); got != time.Minute {
		t.Errorf("the world's clock moved by %s, want 1m", got)
	}
	ctx, cancel := clock.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := ctx.Err(); err != nil {
		t.Fatalf("ended early: %s", err)
	}
	for ctx.Err() == nil {
		if err := clock.Sleep(t.Context(), 30*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Err is %v", err)
	}
	if got := w.Clock().Now().Sub(start); got < 2*time.Minute {
		t.Errorf("ended at +%s, want +2m or later", got)
	}
}

func TestRemoteClockEndsWithItsContext(t *testing.T) {
	w := New(t)
	clock := must(Dial(w.ControlURL()))(t)
	ctx, cancel := clock.WithTimeout(t.Context(), time.Minute)
	cancel()
	if err := ctx.Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("Err is %v", err)
	}
	if err := clock.Sleep(ctx, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep returned %v", err)
	}
	w.Close()
	if err := clock.Sleep(t.Context(), time.Minute); err == nil {
		t.Error("Sleep succeeded without a world")
	}
	if got := clock.Now(); !got.Equal(start) {
		t.Errorf("the last time known is %s, want %s", got, start)
	}
	if _, err := Dial(w.ControlURL()); err == nil {
		t.Error("Dial succeeded without a world")
	}
}

func TestControl(t *testing.T) {
	w := New(t)
	for path, want := range map[string]int{
		"/advance?d=1h":       http.StatusOK,
		"/advance?d=tomorrow": http.StatusBadRequest,
		"/wait?until=never":   http.StatusBadRequest,
		"/nonsense":           http.StatusNotFound,
	} {
		request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, w.ControlURL()+path, nil))(t)
		response := must(http.DefaultClient.Do(request))(t)
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: got %d, want %d", path, response.StatusCode, want)
		}
	}
	if got := w.Clock().Now().Sub(start); got != time.Hour {
		t.Errorf("the clock moved by %s, want 1h", got)
	}
}

func TestProcessIDs(t *testing.T) {
	w := New(t)
	if got := w.ProcessIDs(); len(got) != 0 {
		t.Errorf("the processes are %v before anybody dialed", got)
	}
	must(Dial(w.ControlURL()))(t)
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	gone := must(http.NewRequestWithContext(t.Context(), http.MethodGet, w.ControlURL()+"/now", nil))(t)
	gone.Header.Set(processHeader, fmt.Sprint(command.Process.Pid))
	response := must(http.DefaultClient.Do(gone))(t)
	_ = response.Body.Close()
	if got := w.ProcessIDs(); !slices.Equal(got, []int{os.Getpid()}) {
		t.Errorf("the processes are %v, want %d alone", got, os.Getpid())
	}
}
