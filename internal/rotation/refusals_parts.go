package rotation

import (
	"fmt"
	"strings"
	"time"
)

// The parts that texts for users share.

// ListOf joins the names of things.
func ListOf[T fmt.Stringer](things []T) string {
	names := make([]string, len(things))
	for i, thing := range things {
		names[i] = thing.String()
	}
	return strings.Join(names, ", ")
}

// capitalized is a text with a capital first letter.
func capitalized(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// Moment is a time as texts for users show it.
func Moment(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// Short is a duration as users write it: 2h, and not 2h0m0s.
func Short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// DeleteCommand is the command that deletes a key.
func DeleteCommand(userName, accessKeyID string) string {
	return fmt.Sprintf("aws iam delete-access-key --user-name %s --access-key-id %s", userName, accessKeyID)
}

// untagCommand is the command that removes a journal.
func untagCommand(userName, credentialsID string) string {
	return fmt.Sprintf("aws iam untag-user --user-name %s --tag-keys %s", userName, journalTagKey(credentialsID))
}

// eventsCommand is the command that shows who uses a key.
func eventsCommand(accessKeyID string, use LastUse) string {
	return fmt.Sprintf("aws cloudtrail lookup-events --region %s --lookup-attributes AttributeKey=AccessKeyId,AttributeValue=%s", use.Region, accessKeyID)
}
