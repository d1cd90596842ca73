package acctest

import (
	"fmt"
	"strings"
	"time"
)

// ClosedWindow returns the argument for a rotation_window that is open on one day of the week, and closed now.
func ClosedWindow(now time.Time) string {
	day := strings.ToLower(now.AddDate(0, 0, 3).Weekday().String()[:3])
	return fmt.Sprintf(`rotation_window = { days = [%q], from = "00:00", to = "24:00" }`, day)
}
