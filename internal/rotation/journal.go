package rotation

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// journalTagPrefix starts the key of the tag that holds a journal; the id of the credentials follows.
const journalTagPrefix = "qoveryrotation:"

// journalVersion is the first word of a journal. A reader that meets another one leaves the journal alone.
const journalVersion = "v1"

// JournalPhase says how far a rotation got, as far as the next run needs to know it.
type JournalPhase string

// The phases that a [Journal] records.
const (
	// JournalCreating is recorded before the key is asked for: a key that appears now may be this rotation's.
	JournalCreating JournalPhase = "creating"
	// JournalVerifying is recorded when the key's id is known, before Qovery gets to know the key.
	JournalVerifying JournalPhase = "verifying"
	// JournalStoring is recorded before Qovery is asked to store the key: a request may be under way from now on.
	JournalStoring JournalPhase = "storing"
	// JournalDeploying is recorded after the cutover.
	JournalDeploying JournalPhase = "deploying"
	// JournalDeployed is recorded when every cluster has the key, while some other holder still lacks it.
	JournalDeployed JournalPhase = "deployed"
)

// Journal is the record of a rotation under way. It is kept as a tag on the IAM user, so it outlives the provider, the
// runner and the Terraform state, and everybody who could rotate that user sees it. It holds no secret.
type Journal struct {
	CredentialsID string
	// Owner names the resource that rotates; see Request.Owner.
	Owner string
	// From is the key that is replaced; To is the new one, empty until its id is known.
	From, To string
	// Before is the key that From replaced, while other holders still have it because that rotation was interrupted.
	Before string
	Phase  JournalPhase
	// At is the time of the entry; CutoverAt is zero before the cutover. Both are AWS's time, in full seconds.
	At, CutoverAt time.Time
}

// errNotAJournal means that a tag with a journal's key holds something that this program did not write.
var errNotAJournal = errors.New("not a journal of this provider")

// journalTagKey is the key of the tag for the journal of one credentials set.
func journalTagKey(credentialsID string) string { return journalTagPrefix + credentialsID }

// String encodes the journal in words that IAM accepts as the value of a tag: letters, digits, spaces and "_.:/=+-@".
func (j Journal) String() string {
	words := []string{journalVersion, "owner=" + j.Owner, "from=" + j.From}
	if j.To != "" {
		words = append(words, "to="+j.To)
	}
	if j.Before != "" {
		words = append(words, "before="+j.Before)
	}
	words = append(words, "phase="+string(j.Phase), "at="+j.At.UTC().Format(time.RFC3339))
	if !j.CutoverAt.IsZero() {
		words = append(words, "cutover="+j.CutoverAt.UTC().Format(time.RFC3339))
	}
	return strings.Join(words, " ")
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
		var err error
		switch name {
		case "owner":
			j.Owner = content
		case "from":
			j.From = content
		case "to":
			j.To = content
		case "before":
			j.Before = content
		case "phase":
			j.Phase = JournalPhase(content)
		case "at":
			j.At, err = parseJournalTime(content)
		case "cutover":
			j.CutoverAt, err = parseJournalTime(content)
		}
		if err != nil {
			return Journal{}, fmt.Errorf("%w: %w", errNotAJournal, err)
		}
	}
	if j.Owner == "" || j.From == "" || j.At.IsZero() {
		return Journal{}, fmt.Errorf("%w: %q lacks its owner, key or time", errNotAJournal, value)
	}
	switch j.Phase {
	case JournalCreating, JournalVerifying, JournalStoring, JournalDeploying, JournalDeployed:
	default:
		return Journal{}, fmt.Errorf("%w: unknown phase %q", errNotAJournal, j.Phase)
	}
	if j.Phase != JournalCreating && j.To == "" {
		return Journal{}, fmt.Errorf("%w: phase %q without a new key", errNotAJournal, j.Phase)
	}
	return j, nil
}

// parseJournalTime takes a time only as a journal is written, so that what is read and written again stays the same.
func parseJournalTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err == nil && at.UTC().Format(time.RFC3339) != text {
		return time.Time{}, fmt.Errorf("time %q is not in full seconds of UTC", text)
	}
	return at, err
}

// mayHaveCreated tells whether a key can come of the rotation that wrote the journal, by the time of its creation: give or
// take the difference of two clocks and the time that a rotation gives itself.
func (j Journal) mayHaveCreated(key AccessKey) bool {
	return key.CreatedAt.After(j.At.Add(-strayBefore)) && key.CreatedAt.Before(j.At.Add(strayAfter))
}

// journalsOf splits the journals on a user into the one for the given credentials, or nil, and those for others. What
// cannot be read is an error only where it is in this rotation's way: the user's two keys keep others out anyway.
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
	return own, others, nil
}
