// Package rotation replaces the AWS access key that Qovery holds by a new one, makes sure that every cluster runs with the new
// key, and deletes the old key when nothing needs it any more.
//
// # The life of a key
//
//	          Rotator.Rotate                               Rotator.Retire, or the next rotation
//	┌──────────────────────────────────────┐              ┌────────────────────────────┐
//	creating → verifying → storing → deploying → deployed → drained → quarantined → deleted
//	└─────────── rolled back ───┘ cutover        └ drain window ┘
//
// A new key is created, verified and stored in Qovery. The moment in which Qovery accepts it is the cutover. A failure before the
// cutover is rolled back. After the cutover, the next run resumes. When all clusters are deployed with the new key, the previous
// key drains, so that deployments that began with it can end. Then it is retired: made Inactive and deleted.
//
// Each step is announced in the [Journal], a tag on the IAM user, so that the next run knows what may have happened. A key that
// leaked is made Inactive right after the cutover and does not drain. A cleanup can hold a key, which is then kept.
// [Stage] is the only enumeration of all this.
//
// # Where to look
//
//   - deletion.go decides whether a key may be deleted: [MayDelete], with a table of checks for each reason. permit.go has the only
//     calls that deactivate or delete a key.
//   - decide.go decides what a rotation does next: [Next], a table that is read from top to bottom. recovery.go has the longer
//     conditions of its rows.
//   - drain.go and window.go: stages, windows, all arithmetic of time.
//   - snapshot.go: the one reader of AWS and Qovery. queries.go: questions to a snapshot. record.go: what a state remembers.
//   - rotate.go, settle.go, saga*.go, deploy.go: the steps of a rotation. retire.go, hold.go: the steps of a retirement.
//   - preview.go: what a plan shows about a retirement.
//   - refusals*.go: the texts for users.
//
// The package uses neither Terraform nor HTTP nor the AWS SDK. It reaches AWS and Qovery through the ports [IAM] and [Qovery].
//
// # Words
//
// An orphan is a key that a dead run created, so that its secret is lost. A foreign key is one that neither a journal nor a
// state explains. A stale holder still stores a previous key after the cutover. A repair is the rotation that gives it a new
// one. To adopt is to record what is there. To propagate is to give the new key to the other holders. To compensate is to
// delete the key of an attempt that failed.
package rotation
