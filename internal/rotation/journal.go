package rotation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// journalTagPrefix is the beginning of the tag's key. The id of the credentials follows.
	journalTagPrefix = "qoveryrotation:"
	// journalVersion is the first word of a journal. A journal with another version is never overwritten.
	journalVersion = "v1"
	// maxJournalSize is IAM's limit for the value of a tag.
	maxJournalSize = 256

	// livePeriod is how long after an entry from before the cutover its run may be alive. It exceeds the sum of what can follow: the
	// rest of preCutoverLimit, changeLimit for a request, and finishLimit for a rollback.
	livePeriod = 3 * time.Minute
	// orphanBefore and orphanAfter are the time around an entry in which its run can have created a key that the entry does not
	// name. They allow for clocks that differ, and for the time that a run has up to the cutover.
	orphanBefore = time.Minute
	orphanAfter  = preCutoverLimit + time.Minute
)

// Journal is the record of a rotation. It is a tag on the IAM user. So it outlives the provider, the runner and the Terraform
// state, and every run that could rotate that user sees it. It stays at least until the previous key is retired. Until then it
// explains why the user has two keys. It holds no secret.
type Journal struct {
	// CredentialsID is the id of the credentials that are rotated. It is part of the tag's key.
	CredentialsID string
	// From is the key that is replaced. To is the new key, and empty until its id is known.
	From, To string
	// Before are older keys than From: those that stale holders store, and the one that is deleted for its place.
	Before []string
	// Stage is how far the rotation got.
	Stage Stage
	// At is the time of the entry. In [StageDeployed] it is the end of the last deployment. CutoverAt is zero before the cutover.
	// Both are AWS's time, and are written in full seconds.
	At, CutoverAt time.Time
	// DrainWindow is the longest drain window that From had during the rotation.
	DrainWindow time.Duration
	// Hold is the key that a cleanup holds. It is empty if none is held.
	Hold string
}

// errNotAJournal means that the value of a journal's tag is not one that this version writes.
var errNotAJournal = errors.New("not a journal of this provider")

// journalTagKey is the key of the tag for the journal of one credentials set.
func journalTagKey(credentialsID string) string { return journalTagPrefix + credentialsID }

// cutOver reports whether Qovery accepted the new key.
func (j Journal) cutOver() bool { return !j.CutoverAt.IsZero() }

// deployedAt is the end of the last deployment. It is zero until every cluster runs with the new key.
func (j Journal) deployedAt() time.Time {
	if j.Stage != StageDeployed {
		return time.Time{}
	}
	return j.At
}

// mayBeAlive reports whether the run that wrote the journal may still change something up to its cutover or store its key in other
// holders.
func (j Journal) mayBeAlive(now time.Time) bool {
	return !j.cutOver() && now.Before(j.At.Add(livePeriod))
}

// drainEndsAt is the end of the drain window of From. It is zero until every cluster runs with the new key.
func (j Journal) drainEndsAt() time.Time { return drainEnd(j.deployedAt(), j.DrainWindow) }

// mayHaveCreated reports whether a key is of such an age that the run that wrote the journal can have created it.
func (j Journal) mayHaveCreated(key AccessKey) bool {
	return key.CreatedAt.After(j.At.Add(-orphanBefore)) && key.CreatedAt.Before(j.At.Add(orphanAfter))
}

// names reports whether the journal names a key as part of the rotation.
func (j Journal) names(accessKeyID string) bool {
	return accessKeyID != "" && (j.From == accessKeyID || j.To == accessKeyID || slices.Contains(j.Before, accessKeyID))
}

// String encodes the journal with the characters that IAM accepts in the value of a tag: letters, digits, spaces and "_.:/=+-@".
// Keys in Before that exceed the limit of a tag are left out.
func (j Journal) String() string {
	words := []string{journalVersion, "from=" + j.From}
	word := func(name, value string) {
		if value != "" {
			words = append(words, name+"="+value)
		}
	}
	word("to", j.To)
	word("phase", string(j.Stage))
	word("at", formatJournalTime(j.At))
	word("cutover", formatJournalTime(j.CutoverAt))
	if j.DrainWindow > 0 {
		word("drain", j.DrainWindow.String())
	}
	word("hold", j.Hold)
	text := strings.Join(words, " ")
	for _, id := range j.Before {
		if more := text + " before=" + id; len(more) <= maxJournalSize {
			text = more
		}
	}
	return text
}

// ParseJournal decodes the value of a journal's tag.
func ParseJournal(credentialsID, value string) (Journal, error) {
	j := Journal{CredentialsID: credentialsID}
	words := strings.Fields(value)
	if len(words) == 0 || words[0] != journalVersion {
		return Journal{}, fmt.Errorf("%w: %q does not start with %q", errNotAJournal, value, journalVersion)
	}
	for _, word := range words[1:] {
		name, content, _ := strings.Cut(word, "=")
		if err := setWord(&j, name, content); err != nil {
			return Journal{}, fmt.Errorf("%w: %w", errNotAJournal, err)
		}
	}
	if err := j.check(); err != nil {
		return Journal{}, fmt.Errorf("%w: %q %w", errNotAJournal, value, err)
	}
	return j, nil
}

// setWord decodes one word. It ignores unknown words, which a later version may add.
func setWord(j *Journal, name, content string) (err error) {
	switch name {
	case "from":
		j.From = content
	case "to":
		j.To = content
	case "before":
		j.Before = append(j.Before, content)
	case "phase":
		j.Stage = Stage(content)
	case "at":
		j.At, err = parseJournalTime(content)
	case "cutover":
		j.CutoverAt, err = parseJournalTime(content)
	case "hold":
		j.Hold = content
	case "drain":
		j.DrainWindow, err = time.ParseDuration(content)
	}
	return err
}

// check refuses what no rotation writes.
func (j Journal) check() error {
	afterCutover := j.Stage == StageDeploying || j.Stage == StageDeployed
	switch {
	case j.From == "" || j.At.IsZero():
		return errors.New("lacks a key or a time")
	case j.DrainWindow < 0:
		return errors.New("has a negative drain window")
	case !afterCutover && !slices.Contains([]Stage{StageCreating, StageVerifying, StageStoring}, j.Stage):
		return fmt.Errorf("has the unknown phase %q", j.Stage)
	case j.Stage != StageCreating && j.To == "":
		return fmt.Errorf("has the phase %q without a new key", j.Stage)
	case afterCutover != j.cutOver():
		return fmt.Errorf("has the phase %q, which contradicts the time of its cutover", j.Stage)
	}
	return nil
}

func formatJournalTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// parseJournalTime accepts only the format that a journal is written in. So a journal that is read and written again is
// unchanged.
func parseJournalTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err == nil && formatJournalTime(at) != text {
		return time.Time{}, fmt.Errorf("time %q is not in full seconds of UTC", text)
	}
	return at, err
}

// journalsOf returns the journal on a user for the given credentials, or nil, and the journals for others. An unreadable journal
// for others is left out: the limit of two keys excludes other rotations anyway.
func journalsOf(user User, credentialsID string) (own *Journal, others []Journal, err error) {
	for key, value := range user.Tags {
		id, isJournal := strings.CutPrefix(key, journalTagPrefix)
		if !isJournal {
			continue
		}
		switch j, err := ParseJournal(id, value); {
		case id == credentialsID && err != nil:
			return nil, nil, fmt.Errorf("tag %q of IAM user %s: %w", key, user.Name, err)
		case id == credentialsID:
			own = &j
		case err == nil:
			others = append(others, j)
		}
	}
	slices.SortFunc(others, func(a, b Journal) int { return strings.Compare(a.CredentialsID, b.CredentialsID) })
	return own, others, nil
}
