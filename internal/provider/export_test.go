package provider

// The summaries of this package, for tests that see the provider as Terraform does.
const (
	SummaryConfiguration   = summaryConfiguration
	SummaryImportID        = summaryImportID
	SummaryKeyStays        = summaryKeyStays
	SummaryResumeSwallowed = summaryResumeSwallowed
	SummaryNothingToRotate = summaryNothingToRotate
	SummaryRotationWaits   = summaryRotationWaits
	SummaryWaitsForHold    = summaryWaitsForHold
	SummaryRotationPlanned = summaryRotationPlanned
	SummaryHoldersLeft     = summaryHoldersLeft
	SummaryKeyForgotten    = summaryKeyForgotten
)
