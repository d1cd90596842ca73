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

// NewAccessKey is an access key with its secret. IAM returns the secret only once, when the key is created.
type NewAccessKey struct {
	ID        string
	Secret    Secret
	CreatedAt time.Time
}

// LastUse is who owns an access key and when it was last used.
type LastUse struct {
	UserName string
	// At is zero if the key was never used. IAM reports a use some minutes late.
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

// Service is a service of AWS that a new key is tried with. It has the name that IAM uses in the last use of a key.
type Service string

// The services. STS is asked to whom a new key belongs. The others are asked whether they know it, because STS may know it
// earlier.
const (
	serviceSTS Service = "sts"
	ServiceIAM Service = "iam"
	ServiceEC2 Service = "ec2"
)

// IAM is the port to AWS: the access keys and the tags of an IAM user, and requests that try a key.
//
// [IsDefinite] reports for the error of every method whether AWS answered that it did not do what was asked.
type IAM interface {
	// User reads a user with its tags.
	User(ctx context.Context, userName string) (User, error)

	// AccessKeys lists the keys of a user, the Inactive ones too.
	AccessKeys(ctx context.Context, userName string) ([]AccessKey, error)

	// AccessKeyLastUse reads the owner and the last use of a key. If the key does not exist, it returns [ErrNotFound].
	AccessKeyLastUse(ctx context.Context, accessKeyID string) (LastUse, error)

	// CreateAccessKey asks for a key. The port never repeats the request: if the answer is lost, a key may exist whose secret is
	// lost. If the user has two keys, it returns [ErrLimitExceeded].
	CreateAccessKey(ctx context.Context, userName string) (NewAccessKey, error)

	// DeactivateAccessKey makes the key of the permit Inactive, which can be undone.
	DeactivateAccessKey(ctx context.Context, permit Permit) error

	// ActivateAccessKey makes an Inactive key Active again.
	ActivateAccessKey(ctx context.Context, userName, accessKeyID string) error

	// DeleteAccessKey deletes the key of the permit. A key that does not exist is no error.
	DeleteAccessKey(ctx context.Context, permit Permit) error

	// TagUser sets one tag and leaves the others unchanged.
	TagUser(ctx context.Context, userName, key, value string) error

	// UntagUser removes one tag. A tag that does not exist is no error.
	UntagUser(ctx context.Context, userName, key string) error

	// CallerARN asks STS in one region for the owner of the given key, with a request that is signed with it.
	// If STS does not know the key (yet), it returns [ErrUnauthenticated].
	CallerARN(ctx context.Context, key NewAccessKey, region string) (string, error)

	// TryKey sends a request to a service that changes nothing and is signed with the given key. Without an error, and with
	// [ErrForbidden], the service knows the key. With [ErrUnauthenticated] it does not know the key (yet). Every other error shows
	// nothing about the key.
	TryKey(ctx context.Context, key NewAccessKey, service Service, region string) error

	// SignsWith reports whether the port has signed requests with the key or would sign the next ones with it. Requests that
	// assume a role count too.
	SignsWith(ctx context.Context, accessKeyID string) (bool, error)

	// Account is the id of the AWS account of the port's own credentials, from STS.
	Account(ctx context.Context) (string, error)

	// Rights asks IAM which actions on a user the policies of the port's own identity allow. One of them sets the given tag. The
	// port does not repeat the request. It is an error if the identity is no user and no role, or may not ask.
	Rights(ctx context.Context, userARN, tagKey string, actions []string) (Rights, error)

	// ClockOffset is how far AWS's clock was ahead of this machine's clock at AWS's last answer.
	ClockOffset() time.Duration
}

// Organization is a Qovery organization.
type Organization struct {
	ID   string
	Name string
	// DeploymentRestriction is why Qovery deploys nothing ("billing_deployment_restriction"). It is empty if it deploys.
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
	// AccessKeyID is empty if the set has no AWS access key. A set with a key is a holder, whatever its type.
	AccessKeyID string
	// Clusters are the clusters that use the set, without their regions.
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
	// Kubernetes is "MANAGED", "SELF_MANAGED", "PARTIALLY_MANAGED", or a value that is newer than this program. It is empty if
	// Qovery does not show it.
	Kubernetes string
	// DeploymentStatus is "UP_TO_DATE", "OUT_OF_DATE" if changes wait for the next deployment, "NEVER_DEPLOYED", or a value that
	// is newer than this program. It is empty if Qovery does not show it.
	DeploymentStatus string
	// SecretManagerKeys are the holders among the cluster's secret-manager accesses.
	SecretManagerKeys []Holder
}

// ClusterLock is a lock with which somebody prevents deployments of a cluster.
type ClusterLock struct {
	Owner    string
	Reason   string
	LockedAt time.Time
}

// ClusterStatus is the status of a cluster's running deployment, or of its last one.
type ClusterStatus struct {
	ClusterID string
	// State is one of Qovery's ClusterStateEnum, or one that is newer than this program.
	State string
	// IsDeployed is false for a cluster that was never deployed.
	IsDeployed bool
	// LastExecutionID is the id of the deployment, and LastDeploymentDate its time as Qovery writes it.
	LastExecutionID    string
	LastDeploymentDate string
	Lock               *ClusterLock
	// ReadAt is Qovery's time of the answer, in full seconds. It is zero if the answer has none.
	ReadAt time.Time
}

// EnvironmentDeployment is a deployment of an environment that has not ended.
type EnvironmentDeployment struct {
	EnvironmentID string
	Environment   string
	Project       string
	ClusterID     string
	ClusterName   string
	// State is one of Qovery's StateEnum that is not final, or one that is newer than this program.
	State string
	// AskedAt is when the deployment was asked for, by Qovery's clock. If several are queued, it is the time of the oldest. It is
	// zero if it is unknown, and then the deployment counts as old.
	AskedAt time.Time
}

// CredentialsChange is an event in which somebody changed credentials.
type CredentialsChange struct {
	// By is a user, an API token or an automatic action. Origin is where the change came from, such as "CONSOLE" or "API".
	By, Origin string
	At         time.Time
}

// HolderKind is a kind of object in Qovery that stores an access key.
type HolderKind string

// The kinds of [Holder].
const (
	HolderCredentials       HolderKind = "credentials"
	HolderContainerRegistry HolderKind = "container_registry"
	HolderHelmRepository    HolderKind = "helm_repository"
	// HolderDNSProvider is a cluster's own zone in Route 53.
	HolderDNSProvider HolderKind = "dns_provider"
	// A rotation cannot give the new key to the kinds below, because writing them requires more than the key.
	HolderVSphereCredentials HolderKind = "vsphere_credentials"
	HolderSecretManager      HolderKind = "secret_manager_access"
)

// Holder is an object in Qovery that stores an access key.
type Holder struct {
	Kind HolderKind
	// ID is the id of the object. A DNS provider has the id of its cluster.
	ID          string
	Name        string
	AccessKeyID string
	// ClusterID and ClusterName are the cluster that a registry came with. Every deployment of that cluster uses the registry's
	// key. Both are empty for other holders.
	ClusterID   string
	ClusterName string
	// Services is how many services use a registry or repository.
	Services int
	// Obstacle is why the holder cannot be written. It is empty if it can be. [Qovery.PrepareStore] fails for the same reason.
	Obstacle string
}

// Qovery is the port to Qovery's API.
//
// [IsDefinite] reports for the error of every method whether Qovery answered that it did not do what was asked.
type Qovery interface {
	Organization(ctx context.Context, organizationID string) (Organization, error)

	// Credentials lists the credentials of every type with the clusters that use them.
	Credentials(ctx context.Context, organizationID string) ([]CredentialsSet, error)

	// Clusters lists the clusters of an organization with their regions.
	Clusters(ctx context.Context, organizationID string) ([]Cluster, error)

	// ClusterStatuses lists the status of every cluster of an organization.
	ClusterStatuses(ctx context.Context, organizationID string) ([]ClusterStatus, error)

	// RunningDeployments lists the environments whose deployments have not ended, queued ones included. A project that may not be
	// read is an error that names it. The port sends a request for the list of projects, one for each project, and one for each
	// environment in the result.
	RunningDeployments(ctx context.Context, organizationID string) ([]EnvironmentDeployment, error)

	// ContainerRegistries lists the registries of an organization that store an AWS access key.
	ContainerRegistries(ctx context.Context, organizationID string) ([]Holder, error)

	// HelmRepositories lists the helm repositories of an organization that store an AWS access key.
	HelmRepositories(ctx context.Context, organizationID string) ([]Holder, error)

	// ClusterDNSProvider returns the DNS provider of a cluster as a holder, or nil if it stores no AWS access key. It is an error
	// if the DNS provider is not found.
	ClusterDNSProvider(ctx context.Context, clusterID string) (*Holder, error)

	// PrepareStore reads a holder and returns the request that stores a key in it, with all other fields as they were read. The
	// request does nothing if the holder has the key already. If the holder has neither this key nor the one in the argument,
	// somebody else changed it, and PrepareStore returns [ErrConflict]. So both may be repeated after a lost answer. If the holder
	// would lose a setting, PrepareStore returns [ErrRejected].
	PrepareStore(ctx context.Context, organizationID string, holder Holder, key NewAccessKey) (store func(context.Context) error, err error)

	// DeployCluster asks for a deployment. The port never repeats the request.
	DeployCluster(ctx context.Context, organizationID, clusterID string) error

	// ClusterErrors returns the last errors in a cluster's own log that are later than a time by Qovery's clock, oldest first. Each
	// is a line with its time, and without anything that could be a secret.
	ClusterErrors(ctx context.Context, organizationID, clusterID string, after time.Time) ([]string, error)

	// LastCredentialsChange returns the last change of credentials among the organization's last events, or zero if there is none.
	LastCredentialsChange(ctx context.Context, organizationID, credentialsID string) (CredentialsChange, error)

	// Budget returns how many requests the API allows until when, by Qovery's clock, as its last answer says. The time is zero if
	// only the number is known. known is false if no answer had a number.
	Budget() (left int, resetsAt time.Time, known bool)
}
