// Package rotation replaces the AWS access key that Qovery holds by a new one, makes sure that every cluster runs with the new key,
// and retires the old key when nothing needs it any more.
//
// # The life of a key
//
//	          Rotator.Rotate                               Rotator.Retire, or the next rotation
//	┌──────────────────────────────────────┐              ┌────────────────────────────┐
//	creating → verifying → storing → deploying → deployed → drained → quarantined → deleted
//	└─────────── rolled back ───┘ cutover        └ drain window ┘
//
// A new key is created, verified and stored in Qovery: the cutover. Up to it a failure is rolled back, after it the next run
// resumes. When all clusters are deployed with the new key, the previous one drains: deployments that began with it may end. Then
// it is retired. Each step is announced in the [Journal], a tag on the IAM user, so that the next run knows what may have
// happened. A key that leaked is made Inactive right after the cutover and does not drain. A cleanup may hold a key, which then stays.
// [Stage] is the only enumeration of all this.
//
// # Where to look
//
//   - decide.go, recovery.go: [Next], the table of what to do.
//   - deletion.go: [MayDelete], the tables of what must hold before a key may be deleted.
//   - permit.go: the only use of what MayDelete permits.
//   - drain.go, window.go: windows, stages, all arithmetic of time.
//   - snapshot.go: the one reader of the world. queries.go: what a snapshot answers. record.go: what a state remembers.
//   - rotate.go, saga*.go, deploy.go: the steps of a rotation. retire.go, hold.go: those of a retirement.
//   - preview.go: what a plan says about a retirement.
//   - refusals*.go: all texts for users.
//
// The package is free of Terraform, HTTP and the AWS SDK. What it needs of AWS and Qovery are the ports [IAM] and [Qovery].
//
// # Words
//
// An orphan is a key that a dead run created, so that its secret is lost. A foreign key is one that neither a journal nor a state
// explains. A stale holder still stores a previous key after the cutover; a repair is the rotation that serves it. To adopt is to record what is
// there. To propagate is to give the new key to the other holders, and to compensate is to delete the key of an attempt that failed.
package rotation
