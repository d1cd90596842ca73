package rotation

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// monday is the beginning of a Monday.
var monday = time.Date(2027, time.January, 4, 0, 0, 0, 0, time.UTC)

func timeAt(hours, minutes int) time.Duration {
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
}

var (
	office     = Window{Days: []time.Weekday{time.Monday, time.Wednesday}, From: timeAt(8, 0), To: timeAt(15, 0)}
	night      = Window{Days: []time.Weekday{time.Sunday}, From: timeAt(22, 30), To: timeAt(4, 0)}
	daily      = Window{From: timeAt(8, 0), To: timeAt(15, 0)}
	toMidnight = Window{Days: []time.Weekday{time.Friday}, From: timeAt(22, 0), To: 0}
	saturday   = Window{Days: []time.Weekday{time.Saturday}, From: 0, To: timeAt(24, 0)}
)

func TestWindowOpensAt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		window   Window
		at, want time.Duration // since monday
	}{
		{"always open", Window{}, timeAt(3, 0), timeAt(3, 0)},
		{"before it opens", office, timeAt(7, 59), timeAt(8, 0)},
		{"as it opens", office, timeAt(8, 0), timeAt(8, 0)},
		{"while it is open", office, timeAt(12, 0), timeAt(12, 0)},
		{"right before it closes", office, timeAt(15, 0) - 1, timeAt(15, 0) - 1},
		{"as it closes", office, timeAt(15, 0), 2*day + timeAt(8, 0)},
		{"on a day without it", office, day + timeAt(12, 0), 2*day + timeAt(8, 0)},
		{"until the next week", office, 2*day + timeAt(15, 0), 7*day + timeAt(8, 0)},
		{"every day", daily, timeAt(15, 0), day + timeAt(8, 0)},
		{"across midnight, after midnight", night, timeAt(3, 59), timeAt(3, 59)},
		{"across midnight, as it closes", night, timeAt(4, 0), 6*day + timeAt(22, 30)},
		{"across midnight, on the evening of a day after", night, timeAt(23, 0), 6*day + timeAt(22, 30)},
		{"across midnight, before midnight", night, 6*day + timeAt(23, 0), 6*day + timeAt(23, 0)},
		{"to midnight, right before it", toMidnight, 5*day - 1, 5*day - 1},
		{"to midnight, at midnight", toMidnight, 5 * day, 11*day + timeAt(22, 0)},
		{"a whole day, as it begins", saturday, 5 * day, 5 * day},
		{"a whole day, as it ends", saturday, 6 * day, 12 * day},
	} {
		if got, want := test.window.OpensAt(monday.Add(test.at)), monday.Add(test.want); !got.Equal(want) {
			t.Errorf("%s: at %s it opens at %s, want %s", test.name, monday.Add(test.at), got, want)
		}
	}
}

// Every boundary in a year with a leap day, by the calendar and the time of the day alone.
func TestWindowOverAYear(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		window Window
		open   func(weekday time.Weekday, time time.Duration) bool
	}{
		"office": {office, func(weekday time.Weekday, at time.Duration) bool {
			return (weekday == time.Monday || weekday == time.Wednesday) && at >= timeAt(8, 0) && at < timeAt(15, 0)
		}},
		"night": {night, func(weekday time.Weekday, at time.Duration) bool {
			return weekday == time.Sunday && at >= timeAt(22, 30) || weekday == time.Monday && at < timeAt(4, 0)
		}},
		"daily": {daily, func(_ time.Weekday, at time.Duration) bool { return at >= timeAt(8, 0) && at < timeAt(15, 0) }},
		"to midnight": {toMidnight, func(weekday time.Weekday, at time.Duration) bool {
			return weekday == time.Friday && at >= timeAt(22, 0)
		}},
		"saturday": {saturday, func(weekday time.Weekday, _ time.Duration) bool { return weekday == time.Saturday }},
	} {
		year := time.Date(2028, time.January, 1, 0, 0, 0, 0, time.UTC)
		for midnight := year; midnight.Year() == year.Year(); midnight = midnight.AddDate(0, 0, 1) {
			for _, boundary := range []time.Duration{0, test.window.From, test.window.To % day} {
				for _, offset := range []time.Duration{-1, 0, 1} {
					at := midnight.Add(boundary + offset)
					want := test.open(at.Weekday(), at.Sub(at.Truncate(day)))
					// The time zone of a moment, with another time of the day and perhaps another weekday, changes nothing.
					for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 13*60*60), time.FixedZone("", -11*60*60)} {
						if got := test.window.Contains(at.In(zone)); got != want {
							t.Fatalf("%s: at %s it is open: %t", name, at.In(zone), got)
						}
					}
				}
			}
		}
	}
}

func anyWindow(t *rapid.T) Window {
	minutes := rapid.IntRange(0, 24*60-1)
	w := Window{From: timeAt(0, minutes.Draw(t, "from")), To: timeAt(0, minutes.Draw(t, "to"))}
	for _, weekday := range rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 0, 7, rapid.ID).Draw(t, "days") {
		w.Days = append(w.Days, time.Weekday(weekday))
	}
	return w
}

func TestWindowKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := anyWindow(rt)
		at := monday.Add(time.Duration(rapid.Int64Range(0, int64(400*day)).Draw(rt, "at")))
		opens := w.OpensAt(at)
		switch {
		case !w.Contains(opens):
			rt.Errorf("at %s it opens at %s, when it is closed", at, opens)
		case opens.Before(at) || opens.Sub(at) > 7*day:
			rt.Errorf("at %s it opens at %s", at, opens)
		case w.Contains(at) != opens.Equal(at):
			rt.Errorf("at %s it is open: %t, and it opens at %s", at, w.Contains(at), opens)
		case opens.After(at):
			between := at.Add(time.Duration(rapid.Int64Range(0, int64(opens.Sub(at))-1).Draw(rt, "between")))
			if w.Contains(between) {
				rt.Errorf("at %s it opens at %s, and is open at %s", at, opens, between)
			}
		}
	})
}

// BeginsAt changes only when the window opens or closes, and has passed exactly when a rotation can begin.
func TestWindowBeginsAt(t *testing.T) {
	t.Parallel()
	if got := office.BeginsAt(time.Time{}, monday); !got.IsZero() {
		t.Errorf("what nobody wants begins at %s", got)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := anyWindow(rt)
		moment := rapid.Int64Range(0, int64(30*day))
		wanted, now := monday.Add(time.Duration(moment.Draw(rt, "wanted"))), monday.Add(time.Duration(moment.Draw(rt, "now")))
		begins := w.BeginsAt(wanted, now)
		if isDue, want := !now.Before(begins), !now.Before(wanted) && w.Contains(now); isDue != want {
			rt.Errorf("wanted from %s on, it begins at %s, as seen at %s", wanted, begins, now)
		}
		if begins.Before(wanted) || !w.Contains(begins) {
			rt.Errorf("wanted from %s on, it begins at %s", wanted, begins)
		}
		later := now.Add(time.Second)
		if w.Contains(now) == w.Contains(later) && !w.BeginsAt(wanted, later).Equal(begins) {
			rt.Errorf("it begins at %s, and a second later at %s", begins, w.BeginsAt(wanted, later))
		}
	})
}

func TestParseWindow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		days     []string
		from, to string
		want     Window
	}{
		{[]string{"mon", "wed"}, "08:00", "15:00", office},
		{[]string{"sun"}, "22:30", "04:00", night},
		{nil, "08:00", "15:00", daily},
		{[]string{"fri"}, "22:00", "00:00", toMidnight},
		{[]string{"sat"}, "00:00", "24:00", saturday},
		{nil, "23:59", "00:09", Window{From: timeAt(23, 59), To: timeAt(0, 9)}},
	} {
		got, err := ParseWindow(test.days, test.from, test.to)
		if err != nil || got.From != test.want.From || got.To != test.want.To || !slices.Equal(got.Days, test.want.Days) {
			t.Errorf("%v from %s to %s is %v, %v", test.days, test.from, test.to, got, err)
		}
	}
	for _, test := range []struct {
		days           []string
		from, to, says string
	}{
		{[]string{}, "08:00", "15:00", `days is empty`},
		{[]string{"mon", "monday"}, "08:00", "15:00", `days contains "monday"; valid days are mon, tue`},
		{nil, "8 am", "15:00", `from is "8 am", but must be`},
		{nil, "24:00", "15:00", `from is "24:00", but must be`},
		{nil, "08:00", "", `to is "", but must be`},
		{nil, "08:00", "25:00", `to is "25:00", but must be`},
		{nil, "08:00", "08:00", `the same time`},
		{nil, "23:59", "00:08", `for 9m, but must be open for at least 10m`},
	} {
		if _, err := ParseWindow(test.days, test.from, test.to); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q from %q to %q: %v, want that %s", test.days, test.from, test.to, err, test.says)
		}
	}
}
