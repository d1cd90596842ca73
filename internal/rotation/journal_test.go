package rotation

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const testCredentials = "5f1a7ad6-2b0c-4a38-8b7e-0f8f1f3c2d9e"

// testJournal is a journal with most of its fields.
func testJournal() Journal {
	return Journal{
		CredentialsID: testCredentials, From: keyA, To: keyB, Stage: StageDeploying, At: testNow, CutoverAt: ago(time.Minute), DrainWindow: testDrain,
	}
}

func TestJournalRoundTrip(t *testing.T) {
	tests := map[string]struct {
		change func(*Journal)
		want   string
	}{
		"creating": {
			func(j *Journal) { j.Stage, j.To, j.CutoverAt = StageCreating, "", time.Time{} },
			"v1 from=" + keyA + " phase=creating at=2027-01-04T09:00:00Z drain=2h0m0s",
		},
		"verifying": {
			func(j *Journal) { j.Stage, j.CutoverAt = StageVerifying, time.Time{} },
			"v1 from=" + keyA + " to=" + keyB + " phase=verifying at=2027-01-04T09:00:00Z drain=2h0m0s",
		},
		"storing": {
			func(j *Journal) { j.Stage, j.CutoverAt = StageStoring, time.Time{} },
			"v1 from=" + keyA + " to=" + keyB + " phase=storing at=2027-01-04T09:00:00Z drain=2h0m0s",
		},
		"repairing": {
			func(j *Journal) {
				j.Stage, j.To, j.Before, j.CutoverAt = StageCreating, "", []string{keyC, keyX}, time.Time{}
			},
			"v1 from=" + keyA + " phase=creating at=2027-01-04T09:00:00Z drain=2h0m0s before=" + keyC + " before=" + keyX,
		},
		"deploying": {
			func(*Journal) {},
			"v1 from=" + keyA + " to=" + keyB + " phase=deploying at=2027-01-04T09:00:00Z cutover=2027-01-04T08:59:00Z drain=2h0m0s",
		},
		"deployed, without a window": {
			func(j *Journal) { j.Stage, j.DrainWindow = StageDeployed, 0 },
			"v1 from=" + keyA + " to=" + keyB + " phase=deployed at=2027-01-04T09:00:00Z cutover=2027-01-04T08:59:00Z",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := testJournal()
			test.change(&want)
			text := want.String()
			if text != test.want {
				t.Errorf("written as %q, want %q", text, test.want)
			}
			checkParsed(t, text, want)
		})
	}
}

func checkParsed(t *testing.T, text string, want Journal) {
	t.Helper()
	got, err := ParseJournal(testCredentials, text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v, want %+v", got, want)
	}
}

func TestJournalIsWrittenInUTCAndFullSeconds(t *testing.T) {
	j := testJournal()
	zone := time.FixedZone("CET", 3600)
	j.At, j.CutoverAt = j.At.In(zone).Add(900*time.Millisecond), j.CutoverAt.In(zone)
	if got, want := j.String(), testJournal().String(); got != want {
		t.Errorf("written as %q, want %q", got, want)
	}
}

// TestJournalFitsIntoATag compares a journal with IAM's limits: 128 characters for the key of a tag, 256 for its value, and
// only some characters in either.
func TestJournalFitsIntoATag(t *testing.T) {
	j := testJournal()
	// An access key id has 20 characters. AWS documents more, and it is known to have lengthened other ids.
	j.From, j.To, j.Before = strings.Repeat("A", 40), strings.Repeat("B", 40), []string{strings.Repeat("C", 40), strings.Repeat("D", 40)}
	accepted := regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	for what, test := range map[string]struct {
		text string
		most int
	}{
		"key":   {journalTagKey(testCredentials), 128},
		"value": {j.String(), maxJournalSize},
	} {
		if n := utf8.RuneCountInString(test.text); n > test.most {
			t.Errorf("the %s has %d characters, which is more than %d: %q", what, n, test.most, test.text)
		}
		if !accepted.MatchString(test.text) {
			t.Errorf("the %s has characters that IAM does not accept: %q", what, test.text)
		}
	}
	j.Before = j.Before[:1]
	checkParsed(t, j.String(), j) // There is always room for one key of a repair.

	j.Before = nil
	place := maxJournalSize - len(j.String()+" before=")
	fits := j
	fits.Before = []string{strings.Repeat("C", place)}
	checkParsed(t, fits.String(), fits)
	fits.Before[0] += "C"
	checkParsed(t, fits.String(), j)
}

func TestParseJournalReadsWhatAnotherVersionWrites(t *testing.T) {
	later := "  " + strings.ReplaceAll(testJournal().String(), " ", "  ") + "  reason=age attempt "
	checkParsed(t, later, testJournal())

	// A journal can have an owner, which is ignored, and no drain window.
	first := "v1 owner=0b7d1cd2-2d9c-4e43-9f0e-95a5b9a9a8a1 from=" + keyA + " to=" + keyB +
		" before=" + keyX + " phase=deploying at=2027-01-04T09:00:00Z cutover=2027-01-04T08:59:00Z"
	want := testJournal()
	want.DrainWindow, want.Before = 0, []string{keyX}
	checkParsed(t, first, want)
}

func TestParseJournalRefuses(t *testing.T) {
	valid := testJournal().String()
	tests := map[string]struct{ value, fact string }{
		"nothing":                        {"", "does not start with"},
		"spaces":                         {"   ", "does not start with"},
		"somebody's note":                {"please keep", "does not start with"},
		"another version":                {strings.Replace(valid, "v1 ", "v2 ", 1), "does not start with"},
		"a version alone":                {"v1", "lacks a key or a time"},
		"no old key":                     {strings.Replace(valid, "from="+keyA, "", 1), "lacks a key or a time"},
		"no time":                        {strings.Replace(valid, " at=2027-01-04T09:00:00Z", "", 1), "lacks a key or a time"},
		"a malformed time":               {strings.Replace(valid, "T09:00:00Z", "", 1), "2027-01-04"},
		"a time of another zone":         {strings.Replace(valid, "T09:00:00Z", "T10:00:00+01:00", 1), "10:00:00+01:00"},
		"a fraction of a second":         {strings.Replace(valid, "T09:00:00Z", "T09:00:00.5Z", 1), "09:00:00.5Z"},
		"a malformed time of cutover":    {strings.Replace(valid, "cutover=2027", "cutover=27", 1), "27-01-04"},
		"a malformed drain window":       {strings.Replace(valid, "drain=2h0m0s", "drain=2", 1), "missing unit"},
		"no phase":                       {strings.Replace(valid, "phase=deploying", "", 1), `unknown phase ""`},
		"an unknown phase":               {strings.Replace(valid, "phase=deploying", "phase=dreaming", 1), `unknown phase "dreaming"`},
		"a stage that is no phase":       {strings.Replace(valid, "phase=deploying", "phase=drained", 1), `unknown phase "drained"`},
		"a phase that needs a new key":   {strings.Replace(valid, "to="+keyB, "", 1), `phase "deploying" without a new key`},
		"a cutover before its phase":     {strings.Replace(valid, "phase=deploying", "phase=storing", 1), `phase "storing", which contradicts`},
		"a phase without its cutover":    {strings.Replace(valid, " cutover=2027-01-04T08:59:00Z", "", 1), `phase "deploying", which contradicts`},
		"a verification without its key": {"v1 from=" + keyA + " phase=verifying at=2027-01-04T09:00:00Z", `phase "verifying" without a new key`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseJournal(testCredentials, test.value)
			if !errors.Is(err, errNotAJournal) {
				t.Fatalf("read as %+v, error %v", got, err)
			}
			if !strings.Contains(err.Error(), test.fact) {
				t.Errorf("the error does not contain %q: %s", test.fact, err)
			}
			if !reflect.DeepEqual(got, Journal{}) {
				t.Errorf("half a journal comes with the error: %+v", got)
			}
		})
	}
}

// TestJournalOutlivesItsWriter compares the time after which other runs take the writer of a journal for dead with its own
// limits.
func TestJournalOutlivesItsWriter(t *testing.T) {
	const alive = preCutoverLimit + changeLimit
	for name, limit := range map[string]time.Duration{"dead by age": livePeriod, "the last key is its own": orphanAfter} {
		if limit <= alive {
			t.Errorf("%s after %s, while it may be alive for %s", name, limit, alive)
		}
	}
}

func TestJournalInTime(t *testing.T) {
	creating := journalOf(testCreds, StageCreating, "", testNow)
	deployed := journalOf(testCreds, StageDeployed, keyB, testNow)
	key := func(age time.Duration) AccessKey { return AccessKey{CreatedAt: ago(age)} }
	for what, is := range map[string]bool{
		"alive at once":              creating.mayBeAlive(testNow),
		"alive at the last moment":   creating.mayBeAlive(testNow.Add(livePeriod - 1)),
		"dead after it":              !creating.mayBeAlive(testNow.Add(livePeriod)),
		"not alive after a cutover":  !deployed.mayBeAlive(testNow),
		"too early for a key":        !creating.mayHaveCreated(key(orphanBefore)),
		"early enough":               creating.mayHaveCreated(key(orphanBefore - 1)),
		"late enough":                creating.mayHaveCreated(key(-orphanAfter + 1)),
		"too late for a key":         !creating.mayHaveCreated(key(-orphanAfter)),
		"not deployed":               creating.deployedAt().IsZero() && creating.drainEndsAt().IsZero(),
		"deployed":                   deployed.deployedAt().Equal(testNow),
		"drained after its window":   deployed.drainEndsAt().Equal(testNow.Add(testDrain)),
		"past its cutover":           deployed.cutOver() && !creating.cutOver(),
		"names the key before":       deployed.names(keyA),
		"names the key after":        deployed.names(keyB),
		"names no other key":         !deployed.names(keyX),
		"does not name an empty key": !creating.names(""),
		"names keys of a repair":     Journal{From: keyB, Before: []string{keyA}}.names(keyA),
	} {
		if !is {
			t.Errorf("it is not true: %s", what)
		}
	}
}

func TestJournalsOf(t *testing.T) {
	others, more := testJournal(), testJournal()
	others.CredentialsID, more.CredentialsID = "others", "more"
	own := testJournal().String()
	// A map has no order. Among so many tags, the journal is hardly ever the first.
	crowded := map[string]string{journalTagKey(testCredentials): own}
	for i := range 40 {
		crowded[fmt.Sprintf("team-%d", i)] = "platform"
	}
	tests := map[string]struct {
		tags       map[string]string
		wantOwn    bool
		wantOthers []Journal
		wantErr    string
	}{
		"no tags":        {tags: nil},
		"tags of others": {tags: map[string]string{"team": "platform", "qoveryrotation": "v1", "Qoveryrotation:" + testCredentials: "v1"}},
		"one's own":      {tags: map[string]string{journalTagKey(testCredentials): own}, wantOwn: true},
		"among others":   {tags: crowded, wantOwn: true},
		"all": {
			tags:    map[string]string{journalTagKey(testCredentials): own, journalTagKey("others"): own, journalTagKey("more"): own},
			wantOwn: true, wantOthers: []Journal{more, others},
		},
		"one's own, not a journal": {
			tags:    map[string]string{journalTagKey(testCredentials): "please keep"},
			wantErr: `tag "qoveryrotation:` + testCredentials + `" of IAM user qovery: not a journal of this provider: "please keep"`,
		},
		"another one, not a journal": {
			tags:    map[string]string{journalTagKey("others"): "please keep", journalTagKey(testCredentials): own},
			wantOwn: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found, others, err := journalsOf(User{Name: testUser, Tags: test.tags}, testCredentials)
			switch {
			case test.wantErr == "" && err != nil:
				t.Fatal(err)
			case test.wantErr != "" && (err == nil || !strings.Contains(err.Error(), test.wantErr)):
				t.Errorf("error %v, want %s", err, test.wantErr)
			}
			if (found != nil) != test.wantOwn || found != nil && !reflect.DeepEqual(*found, testJournal()) {
				t.Errorf("one's own is %+v", found)
			}
			if !reflect.DeepEqual(others, test.wantOthers) {
				t.Errorf("the others are %+v, want %+v", others, test.wantOthers)
			}
		})
	}
}

// FuzzParseJournal reads any value of a tag.
func FuzzParseJournal(f *testing.F) {
	f.Fuzz(func(t *testing.T, value string) {
		j, err := ParseJournal(testCredentials, value)
		if err != nil {
			if !errors.Is(err, errNotAJournal) || !reflect.DeepEqual(j, Journal{}) {
				t.Errorf("read as %+v, error %v", j, err)
			}
			return
		}
		again, err := ParseJournal(testCredentials, j.String())
		if err != nil {
			t.Fatalf("%+v was written as %q, which cannot be read: %s", j, j.String(), err)
		}
		// Only keys that do not fit into a tag are left out.
		if again.Before = j.Before; !reflect.DeepEqual(again, j) {
			t.Errorf("%+v was written as %q and read as %+v", j, j.String(), again)
		}
	})
}
