package rotation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	day      = 24 * time.Hour
	endOfDay = "24:00"
	// shortestWindow leaves time for what comes before a rotation can begin: a refresh, a look at the plan, and the 3 minutes in
	// which an interrupted run counts as alive. Runs could miss a shorter window for months without an error.
	shortestWindow = 10 * time.Minute
)

// Window is when rotations may begin, in UTC: on some days, from one time of the day to another. If To is before From, it is a
// time of the next day. The zero value is always open.
type Window struct {
	// Days are those on which the window opens. Without any, it opens every day.
	Days []time.Weekday
	// From and To count from midnight. The window is open at From and closed at To.
	From, To time.Duration
}

// weekdays are the names of the days, indexed by [time.Weekday].
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow parses a window as users write it. If days is nil, the window opens every day.
func ParseWindow(days []string, from, to string) (Window, error) {
	var w Window
	if days != nil && len(days) == 0 {
		return w, errors.New(`days is empty, so the window would never open; list days, such as ["mon", "tue"], or remove days for every day`)
	}
	for _, name := range days {
		weekday := slices.Index(weekdays, name)
		if weekday < 0 {
			return w, fmt.Errorf("days contains %q; valid days are %s", name, strings.Join(slices.Concat(weekdays[1:], weekdays[:1]), ", "))
		}
		w.Days = append(w.Days, time.Weekday(weekday))
	}
	var err error
	if w.From, err = timeOfDay(from); err != nil || from == endOfDay {
		return w, fmt.Errorf(`from is %q, but must be a time of the day in UTC, such as "08:00"`, from)
	}
	if w.To, err = timeOfDay(to); err != nil {
		return w, fmt.Errorf(`to is %q, but must be a time of the day in UTC, such as "15:00"`, to)
	}
	switch {
	case w.From == w.To:
		return w, errors.New(`from and to are the same time; for whole days, write from = "00:00" and to = "24:00"`)
	case w.length() < shortestWindow:
		return w, fmt.Errorf(`the window is open for %s, but must be open for at least %s, such as from = "08:00" and to = "15:00"`,
			Short(w.length()), Short(shortestWindow))
	}
	return w, nil
}

// timeOfDay is the time since midnight.
func timeOfDay(text string) (time.Duration, error) {
	if text == endOfDay {
		return day, nil
	}
	t, err := time.Parse("15:04", text)
	return t.Sub(t.Truncate(day)), err
}

// length is how long the window stays open.
func (w Window) length() time.Duration {
	if w.To < w.From {
		return w.To - w.From + day
	}
	return w.To - w.From
}

func (w Window) opensOn(weekday time.Weekday) bool {
	return len(w.Days) == 0 || slices.Contains(w.Days, weekday)
}

// OpensAt is the first moment, from the given one on, at which the window is open.
func (w Window) OpensAt(at time.Time) time.Time {
	if w.length() == 0 {
		return at
	}
	// The window that opened yesterday may reach into today.
	midnight := at.UTC().Truncate(day).Add(-day)
	for !w.opensOn(midnight.Weekday()) || !at.Before(midnight.Add(w.From+w.length())) {
		midnight = midnight.Add(day)
	}
	return latest(at, midnight.Add(w.From))
}

// Contains reports whether the window is open.
func (w Window) Contains(at time.Time) bool { return w.OpensAt(at).Equal(at) }

// BeginsAt is when a rotation that is asked for since a moment can begin, as seen now. A window that has passed unused does not
// count. BeginsAt is zero if no rotation is asked for.
func (w Window) BeginsAt(wanted, now time.Time) time.Time {
	switch {
	case wanted.IsZero():
		return wanted
	case w.Contains(now):
		return w.OpensAt(wanted)
	default:
		return w.OpensAt(latest(wanted, now))
	}
}
