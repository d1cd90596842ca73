package rotation

import (
	"context"
	"time"
)

// AccessKey is an access key of an IAM user, as IAM lists it.
type AccessKey struct {
	ID        string
	Active    bool
	CreatedAt time.Time
}

// NewAccessKey is an access key together with its secret, which IAM returns once, in the answer that creates the key.
type NewAccessKey struct {
	ID        string
	Secret    Secret
	CreatedAt time.Time
}

// LastUse is who owns an access key and when it last signed a request.
type LastUse struct {
	UserName string
	// At is zero when the key was never used. IAM learns of a use some minutes late.
	At      time.Time
	Service string
	Region  string
}

// User is an IAM user.
type User struct {
	Name string
	ARN  string
	Tags map[string]string
}

// Service is a service of AWS that a new key is tried with, by the name under which IAM tells the last use of a key.
type Service string

// The services of [IAM]. STS is asked for whom a key is, the others whether they know it: STS may know a key earlier.
const (
	serviceSTS Service = "sts"
	ServiceIAM Service = "iam"
	ServiceEC2 Service = "ec2"
)

// IAM is what the job needs of AWS: the access keys and the tags of an IAM user, and STS to try a key.
//
// Every method reports an error that says, by [IsDefinite], whether AWS answered that it did not do what was asked.
type IAM interface {
	// User reads a user with its tags.
	User(ctx context.Context, userName string) (User, error)

	// AccessKeys lists the keys of a user, the Inactive ones too.
	AccessKeys(ctx context.Context, userName string) ([]AccessKey, error)

	// AccessKeyLastUse names the owner of a key. A key that does not exist is [ErrNotFound].
	AccessKeyLastUse(ctx context.Context, accessKeyID string) (LastUse, error)

	// CreateAccessKey asks for a key once and is never repeated by itself: if the answer is lost, so is the secret of a key that
	// may exist. A user with two keys is [ErrLimitExceeded].
	CreateAccessKey(ctx context.Context, userName string) (NewAccessKey, error)

	// DeactivateAccessKey makes the key of the permit Inactive, which can be undone.
	DeactivateAccessKey(ctx context.Context, permit Permit) error

	// ActivateAccessKey makes an Inactive key Active again.
	ActivateAccessKey(ctx context.Context, userName, accessKeyID string) error

	// DeleteAccessKey removes the key of the permit for good. A key that is gone already is no error.
	DeleteAccessKey(ctx context.Context, permit Permit) error

	// TagUser sets one tag and leaves the others alone.
	TagUser(ctx context.Context, userName, key, value string) error

	// UntagUser removes one tag. A tag that is not there is no error.
	UntagUser(ctx context.Context, userName, key string) error

	// CallerARN asks STS in one region, with a request signed with the given key, whose key that is.
	// A key that STS does not know (yet) is [ErrUnauthenticated].
	CallerARN(ctx context.Context, key NewAccessKey, region string) (string, error)

	// TryKey asks a service for something that changes nothing, with a request signed with the given key. Without an error, and
	// with [ErrForbidden], the service knows the key. [ErrUnauthenticated] is one that it does not know (yet). Every other error
	// says nothing about the key.
	TryKey(ctx context.Context, key NewAccessKey, service Service, region string) error

	// SignsWith reports whether requests of this port have been, or would be, signed with the key, also on the way to a
	// role.
	SignsWith(ctx context.Context, accessKeyID string) (bool, error)

	// Account is the id of the AWS account that the port's requests act in, by STS.
	Account(ctx context.Context) (string, error)

	// Rights asks IAM which of some actions the policies of the port's own identity allow on a user, among them the setting of a
	// tag. It is asked once. An identity that is no user and no role, and one that may not ask, is an error.
	Rights(ctx context.Context, userARN, tagKey string, actions []string) (Rights, error)

	// ClockOffset is how far AWS's clock was ahead of this machine's when AWS last answered.
	ClockOffset() time.Duration
}

// Organization is a Qovery organization.
type Organization struct {
	ID   string
	Name string
	// DeploymentRestriction is Qovery's reason for not deploying anything ("billing_deployment_restriction"), or empty.
	DeploymentRestriction string
}

// CredentialsTypeStatic is the type of a credentials set ("object_type") that has an access key to rotate.
const CredentialsTypeStatic = "AWS"

// CredentialsSet is one of an organization's cloud credentials.
type CredentialsSet struct {
	ID   string
	Name string
	// Type is Qovery's "object_type": AWS for a static access key, AWS_ROLE, EKS_ANYWHERE_VSPHERE, SCW, …
	Type string
	// AccessKeyID is empty when the set has no AWS access key. A set that has one is a holder, whatever its type.
	AccessKeyID string
	// Clusters are the clusters that use the set; their region is not known here.
	Clusters []Cluster
}

// Cluster is a Kubernetes cluster that Qovery runs.
type Cluster struct {
	ID   string
	Name string
	// Region is the AWS region of the cluster.
	Region string
	// Production is true for a cluster that Qovery marks as production.
	Production bool
	// Kubernetes is "MANAGED", "SELF_MANAGED", "PARTIALLY_MANAGED", or one that is newer than this program; empty when Qovery
	// does not tell.
	Kubernetes string
	// DeploymentStatus is "UP_TO_DATE", "OUT_OF_DATE" when changes wait for the next deployment, "NEVER_DEPLOYED", or one that
	// is newer than this program; empty if Qovery does not show it.
	DeploymentStatus string
	// SecretManagerKeys are the holders among the cluster's secret-manager accesses.
	SecretManagerKeys []Holder
}

// ClusterLock keeps a cluster from being deployed.
type ClusterLock struct {
	Owner    string
	Reason   string
	LockedAt time.Time
}

// ClusterStatus is what Qovery says about a cluster's last, or running, deployment.
type ClusterStatus struct {
	ClusterID string
	// State is one of Qovery's ClusterStateEnum, or one that is newer than this program.
	State string
	// IsDeployed is false for a cluster that was never deployed.
	IsDeployed bool
	// LastExecutionID names the deployment; LastDeploymentDate is only ever compared with itself, hence text.
	LastExecutionID    string
	LastDeploymentDate string
	Lock               *ClusterLock
	// ReadAt is Qovery's time of the answer, in full seconds; zero if the answer has none.
	ReadAt time.Time
}

// EnvironmentDeployment is the deployment of an environment that has not ended.
type EnvironmentDeployment struct {
	EnvironmentID string
	Environment   string
	Project       string
	ClusterID     string
	ClusterName   string
	// State is one of Qovery's StateEnum that is not final, or one that is newer than this program.
	State string
	// AskedAt is when the deployment was asked for, by Qovery's clock; of several that wait for each other, the oldest one.
	// It is zero when that is unknown, which counts as old.
	AskedAt time.Time
}

// CredentialsChange is an event in which somebody changed credentials.
type CredentialsChange struct {
	// By is a user, an API token or an automatic action, and Origin is where it came from, such as "CONSOLE" or "API".
	By, Origin string
	At         time.Time
}

// HolderKind says which kind of Qovery object stores an access key.
type HolderKind string

// The kinds of [Holder].
const (
	HolderCredentials       HolderKind = "credentials"
	HolderContainerRegistry HolderKind = "container_registry"
	HolderHelmRepository    HolderKind = "helm_repository"
	// HolderDNSProvider is a cluster's own zone of Route 53.
	HolderDNSProvider HolderKind = "dns_provider"
	// The kinds below need more than the new key to be written again, so a rotation cannot give it to them.
	HolderVSphereCredentials HolderKind = "vsphere_credentials"
	HolderSecretManager      HolderKind = "secret_manager_access"
)

// Holder is a Qovery object that stores an access key.
type Holder struct {
	Kind HolderKind
	// ID of a DNS provider is that of its cluster.
	ID          string
	Name        string
	AccessKeyID string
	// ClusterID and ClusterName are the cluster that a registry came with, whose every deployment uses the key; empty when it
	// is not tied to one.
	ClusterID   string
	ClusterName string
	// Services is how many services use a registry or repository.
	Services int
	// Obstacle says why the holder cannot be written, and is empty when it can be. [Qovery.PrepareStore] fails for the same
	// reason.
	Obstacle string
}

// Qovery is what the job needs of Qovery's API.
//
// Every method reports an error that says, by [IsDefinite], whether Qovery answered that it did not do what was asked.
type Qovery interface {
	Organization(ctx context.Context, organizationID string) (Organization, error)

	// Credentials lists the credentials of every type with the clusters that use them.
	Credentials(ctx context.Context, organizationID string) ([]CredentialsSet, error)

	// Clusters lists the clusters of an organization with their regions.
	Clusters(ctx context.Context, organizationID string) ([]Cluster, error)

	// ClusterStatuses lists the state of every cluster of an organization.
	ClusterStatuses(ctx context.Context, organizationID string) ([]ClusterStatus, error)

	// RunningDeployments lists the deployments of environments that have not ended, the queued ones too: one for each
	// environment. A project that may not be read is an error that names it. It takes a request for the list of projects,
	// one for each project, and one for each environment in the result.
	RunningDeployments(ctx context.Context, organizationID string) ([]EnvironmentDeployment, error)

	// ContainerRegistries lists those registries of an organization that store an AWS access key.
	ContainerRegistries(ctx context.Context, organizationID string) ([]Holder, error)

	// HelmRepositories lists those helm repositories of an organization that store an AWS access key.
	HelmRepositories(ctx context.Context, organizationID string) ([]Holder, error)

	// ClusterDNSProvider returns the DNS provider of a cluster as a holder, or nil when it stores no AWS access key. One that
	// is not found is an error.
	ClusterDNSProvider(ctx context.Context, clusterID string) (*Holder, error)

	// PrepareStore reads a holder and returns the request that puts a key into it and leaves its every other field as it was
	// read. The request does nothing if the holder has the key already. A holder that has neither this key nor the one named
	// in the argument was changed by somebody else and is [ErrConflict]. So both may be repeated when an answer was lost. A
	// holder that would lose a setting is [ErrRejected].
	PrepareStore(ctx context.Context, organizationID string, holder Holder, key NewAccessKey) (store func(context.Context) error, err error)

	// DeployCluster asks for a deployment once and is never repeated by itself.
	DeployCluster(ctx context.Context, organizationID, clusterID string) error

	// ClusterErrors returns the last errors after a time, by Qovery's clock, in a cluster's own log, oldest first: each a line
	// with its time, and without anything that could be a secret.
	ClusterErrors(ctx context.Context, organizationID, clusterID string, after time.Time) ([]string, error)

	// LastCredentialsChange returns the last change of credentials among the organization's last events; zero when there is none.
	LastCredentialsChange(ctx context.Context, organizationID, credentialsID string) (CredentialsChange, error)

	// Budget tells how many requests the API allows until when, by Qovery's clock, as its last answer said. The time is zero when
	// only the number was told; known is false when no answer told a number.
	Budget() (left int, resetsAt time.Time, known bool)
}
