package rotation

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const (
	testOwner       = "0b7d1cd2-2d9c-4e43-9f0e-95a5b9a9a8a1"
	testCredentials = "5f1a7ad6-2b0c-4a38-8b7e-0f8f1f3c2d9e"
)

// testJournal is one with everything that a journal can have.
var testJournal = Journal{
	CredentialsID: testCredentials, Owner: testOwner, From: keyA, To: keyB, Phase: JournalDeploying,
	At: testNow, CutoverAt: testNow.Add(-time.Minute),
}

func TestJournalRoundTrip(t *testing.T) {
	tests := map[string]struct {
		change func(*Journal)
		want   string
	}{
		"creating": {
			func(j *Journal) { j.Phase, j.To, j.CutoverAt = JournalCreating, "", time.Time{} },
			"v1 owner=" + testOwner + " from=" + keyA + " phase=creating at=2027-01-04T09:00:00Z",
		},
		"verifying": {
			func(j *Journal) { j.Phase, j.CutoverAt = JournalVerifying, time.Time{} },
			"v1 owner=" + testOwner + " from=" + keyA + " to=" + keyB + " phase=verifying at=2027-01-04T09:00:00Z",
		},
		"storing": {
			func(j *Journal) { j.Phase, j.CutoverAt = JournalStoring, time.Time{} },
			"v1 owner=" + testOwner + " from=" + keyA + " to=" + keyB + " phase=storing at=2027-01-04T09:00:00Z",
		},
		"serving a holder that was left behind": {
			func(j *Journal) { j.Phase, j.To, j.Before, j.CutoverAt = JournalCreating, "", keyX, time.Time{} },
			"v1 owner=" + testOwner + " from=" + keyA + " before=" + keyX + " phase=creating at=2027-01-04T09:00:00Z",
		},
		"deploying": {
			func(*Journal) {},
			"v1 owner=" + testOwner + " from=" + keyA + " to=" + keyB + " phase=deploying at=2027-01-04T09:00:00Z cutover=2027-01-04T08:59:00Z",
		},
		"deployed": {
			func(j *Journal) { j.Phase = JournalDeployed },
			"v1 owner=" + testOwner + " from=" + keyA + " to=" + keyB + " phase=deployed at=2027-01-04T09:00:00Z cutover=2027-01-04T08:59:00Z",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := testJournal
			test.change(&want)
			text := want.String()
			if text != test.want {
				t.Errorf("written as %q, want %q", text, test.want)
			}
			got, err := ParseJournal(testCredentials, text)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("read as %+v, want %+v", got, want)
			}
		})
	}
}

func TestJournalIsWrittenInUTCAndFullSeconds(t *testing.T) {
	j := testJournal
	zone := time.FixedZone("CET", 3600)
	j.At, j.CutoverAt = j.At.In(zone).Add(900*time.Millisecond), j.CutoverAt.In(zone)
	if got, want := j.String(), testJournal.String(); got != want {
		t.Errorf("written as %q, want %q", got, want)
	}
}

// TestJournalFitsIntoATag compares a journal with IAM's limits: 128 characters for the key of a tag, 256 for its value, and
// only some characters in either.
func TestJournalFitsIntoATag(t *testing.T) {
	j := testJournal
	j.Phase = JournalVerifying // the longest name
	// An access key id has 20 characters. AWS documents more, and it is known to have lengthened other ids.
	j.From, j.To, j.Before = strings.Repeat("A", 40), strings.Repeat("B", 40), strings.Repeat("C", 40)
	accepted := regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	for what, test := range map[string]struct {
		text string
		most int
	}{
		"key":   {journalTagKey(testCredentials), 128},
		"value": {j.String(), 256},
	} {
		if n := utf8.RuneCountInString(test.text); n > test.most {
			t.Errorf("the %s has %d characters, which is more than %d: %q", what, n, test.most, test.text)
		}
		if !accepted.MatchString(test.text) {
			t.Errorf("the %s has characters that IAM does not accept: %q", what, test.text)
		}
	}
}

func TestParseJournalReadsWhatALaterVersionAdds(t *testing.T) {
	got, err := ParseJournal(testCredentials, "  "+strings.ReplaceAll(testJournal.String(), " ", "  ")+"  reason=age attempt ")
	if err != nil {
		t.Fatal(err)
	}
	if got != testJournal {
		t.Errorf("read as %+v, want %+v", got, testJournal)
	}
}

func TestParseJournalRefuses(t *testing.T) {
	valid := testJournal.String()
	tests := map[string]struct{ value, fact string }{
		"nothing":                      {"", "does not start with"},
		"spaces":                       {"   ", "does not start with"},
		"somebody's note":              {"please keep", "does not start with"},
		"another version":              {strings.Replace(valid, "v1 ", "v2 ", 1), "does not start with"},
		"a version alone":              {"v1", "lacks its owner, key or time"},
		"no owner":                     {strings.Replace(valid, "owner="+testOwner, "", 1), "lacks its owner"},
		"an empty owner":               {strings.Replace(valid, testOwner, "", 1), "lacks its owner"},
		"no old key":                   {strings.Replace(valid, "from="+keyA, "", 1), "lacks its owner"},
		"no time":                      {strings.Replace(valid, " at=2027-01-04T09:00:00Z", "", 1), "lacks its owner"},
		"a malformed time":             {strings.Replace(valid, "T09:00:00Z", "", 1), "2027-01-04"},
		"a time of another zone":       {strings.Replace(valid, "T09:00:00Z", "T10:00:00+01:00", 1), "10:00:00+01:00"},
		"a fraction of a second":       {strings.Replace(valid, "T09:00:00Z", "T09:00:00.5Z", 1), "09:00:00.5Z"},
		"a malformed time of cutover":  {strings.Replace(valid, "cutover=2027", "cutover=27", 1), "27-01-04"},
		"no phase":                     {strings.Replace(valid, "phase=deploying", "", 1), `unknown phase ""`},
		"an unknown phase":             {strings.Replace(valid, "phase=deploying", "phase=dreaming", 1), `unknown phase "dreaming"`},
		"a phase that needs a new key": {strings.Replace(valid, "to="+keyB, "", 1), `phase "deploying" without a new key`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseJournal(testCredentials, test.value)
			if !errors.Is(err, errNotAJournal) {
				t.Fatalf("read as %+v, error %v", got, err)
			}
			if !strings.Contains(err.Error(), test.fact) {
				t.Errorf("the error does not tell %q: %s", test.fact, err)
			}
			if got != (Journal{}) {
				t.Errorf("half a journal comes with the error: %+v", got)
			}
		})
	}
}

// TestJournalOutlivesItsWriter compares the limits by which others tell that the writer of a journal is dead with those that he
// gives himself.
func TestJournalOutlivesItsWriter(t *testing.T) {
	const alive = preCutoverLimit + changeLimit
	for name, limit := range map[string]time.Duration{
		"watched": watchPeriod, "taken over unwatched": journalTakeover, "the last key is its own": strayAfter,
	} {
		if limit <= alive {
			t.Errorf("%s after %s, while it may be alive for %s", name, limit, alive)
		}
	}
}

func TestJournalsOf(t *testing.T) {
	others := testJournal
	others.CredentialsID = "others"
	// A map has no order. Among so many tags, the journal is hardly ever the first one.
	crowded := map[string]string{journalTagKey(testCredentials): testJournal.String()}
	for i := range 40 {
		crowded[fmt.Sprintf("team-%d", i)] = "platform"
	}
	tests := map[string]struct {
		tags       map[string]string
		wantOwn    bool
		wantOthers bool
		wantErr    string
	}{
		"no tags":        {tags: nil},
		"tags of others": {tags: map[string]string{"team": "platform", "qoveryrotation": "v1", "Qoveryrotation:" + testCredentials: "v1"}},
		"one's own":      {tags: map[string]string{journalTagKey(testCredentials): testJournal.String()}, wantOwn: true},
		"among others":   {tags: crowded, wantOwn: true},
		"both": {
			tags:    map[string]string{journalTagKey(testCredentials): testJournal.String(), journalTagKey("others"): others.String()},
			wantOwn: true, wantOthers: true,
		},
		"one's own, not a journal": {
			tags:    map[string]string{journalTagKey(testCredentials): "please keep"},
			wantErr: `tag "qoveryrotation:` + testCredentials + `" of IAM user qovery: not a journal of this provider: "please keep"`,
		},
		"another one, not a journal": {
			tags:    map[string]string{journalTagKey("others"): "please keep", journalTagKey(testCredentials): testJournal.String()},
			wantOwn: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			own, found, err := journalsOf(User{Name: testUser, Tags: test.tags}, testCredentials)
			switch {
			case test.wantErr == "" && err != nil:
				t.Fatal(err)
			case test.wantErr != "" && (err == nil || !strings.Contains(err.Error(), test.wantErr)):
				t.Errorf("error %v, want %s", err, test.wantErr)
			}
			if (own != nil) != test.wantOwn || own != nil && *own != testJournal {
				t.Errorf("one's own is %+v", own)
			}
			if (len(found) == 1) != test.wantOthers || len(found) > 1 || len(found) == 1 && found[0] != others {
				t.Errorf("the others are %+v", found)
			}
		})
	}
}

// FuzzParseJournal reads what anybody may have written into a tag.
func FuzzParseJournal(f *testing.F) {
	f.Fuzz(func(t *testing.T, value string) {
		j, err := ParseJournal(testCredentials, value)
		if err != nil {
			if !errors.Is(err, errNotAJournal) || j != (Journal{}) {
				t.Errorf("read as %+v, error %v", j, err)
			}
			return
		}
		again, err := ParseJournal(testCredentials, j.String())
		if err != nil {
			t.Fatalf("%+v was written as %q, which cannot be read: %s", j, j.String(), err)
		}
		if again != j {
			t.Errorf("%+v was written as %q and read as %+v", j, j.String(), again)
		}
	})
}
