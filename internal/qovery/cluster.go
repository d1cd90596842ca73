package qovery

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

type cluster struct {
	ID                    string                `json:"id"`
	Name                  string                `json:"name"`
	Region                string                `json:"region"`
	Production            bool                  `json:"production"`
	Kubernetes            string                `json:"kubernetes"`
	DeploymentStatus      string                `json:"deployment_status"`
	SecretManagerAccesses []secretManagerAccess `json:"secret_manager_accesses"`
}

// secretManagerObstacle is the [rotation.Holder.Obstacle] of every secret-manager access.
const secretManagerObstacle = "Qovery changes its access key only together with the settings of its cluster"

type secretManagerAccess struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Authentication struct {
		AccessKey string `json:"access_key"`
	} `json:"authentication"`
}

// check implements [answer].
func (c *cluster) check() error {
	if c.ID == "" {
		return fmt.Errorf("%w: a cluster without an id", errIncomplete)
	}
	return nil
}

// Clusters implements [rotation.Qovery].
func (c *Client) Clusters(ctx context.Context, organizationID string) ([]rotation.Cluster, error) {
	var found list[cluster, *cluster]
	err := c.get(ctx, "listOrganizationCluster", organizationPath(organizationID, "cluster"), &found)
	if err != nil {
		return nil, err
	}
	clusters := make([]rotation.Cluster, 0, len(*found.Results))
	for _, f := range *found.Results {
		one := rotation.Cluster{
			ID:               f.ID,
			Name:             f.Name,
			Region:           f.Region,
			Production:       f.Production,
			Kubernetes:       f.Kubernetes,
			DeploymentStatus: f.DeploymentStatus,
		}
		for _, access := range f.SecretManagerAccesses {
			if access.Authentication.AccessKey != "" {
				one.SecretManagerKeys = append(one.SecretManagerKeys, rotation.Holder{
					Kind:        rotation.HolderSecretManager,
					ID:          access.ID,
					Name:        access.Name,
					AccessKeyID: access.Authentication.AccessKey,
					Obstacle:    secretManagerObstacle,
				})
			}
		}
		clusters = append(clusters, one)
	}
	return clusters, nil
}

type clusterStatus struct {
	ClusterID          string `json:"cluster_id"`
	Status             string `json:"status"`
	IsDeployed         bool   `json:"is_deployed"`
	LastExecutionID    string `json:"last_execution_id"`
	LastDeploymentDate string `json:"last_deployment_date"`
	ClusterLock        *struct {
		OwnerName string    `json:"owner_name"`
		Reason    string    `json:"reason"`
		LockedAt  timestamp `json:"locked_at"`
	} `json:"cluster_lock"`
}

// check implements [answer].
func (s *clusterStatus) check() error {
	if s.ClusterID == "" || s.Status == "" {
		return fmt.Errorf("%w: a cluster status without a cluster id or a status", errIncomplete)
	}
	return nil
}

// timestamp is a time that may be unknown: one that cannot be parsed is zero, not an error.
type timestamp struct{ at time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *timestamp) UnmarshalJSON(text []byte) error {
	var value string
	_ = json.Unmarshal(text, &value)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, value); err == nil {
			t.at = at
		}
	}
	return nil
}

// ClusterStatuses implements [rotation.Qovery].
func (c *Client) ClusterStatuses(ctx context.Context, organizationID string) ([]rotation.ClusterStatus, error) {
	var (
		found  list[clusterStatus, *clusterStatus]
		readAt time.Time
	)
	err := c.do(ctx, request{
		operation: "getOrganizationClusterStatus",
		method:    http.MethodGet,
		path:      organizationPath(organizationID, "cluster", "status"),
		date:      &readAt,
	}, &found)
	if err != nil {
		return nil, err
	}
	statuses := make([]rotation.ClusterStatus, 0, len(*found.Results))
	for _, f := range *found.Results {
		status := rotation.ClusterStatus{
			ClusterID:          f.ClusterID,
			State:              f.Status,
			IsDeployed:         f.IsDeployed,
			LastExecutionID:    f.LastExecutionID,
			LastDeploymentDate: f.LastDeploymentDate,
			ReadAt:             readAt,
		}
		if lock := f.ClusterLock; lock != nil {
			status.Lock = &rotation.ClusterLock{Owner: lock.OwnerName, Reason: lock.Reason, LockedAt: lock.LockedAt.at}
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

type dnsProvider struct {
	DNSProvider *struct {
		Domain      string `json:"domain"`
		Credentials struct {
			AWSAccessKeyID string `json:"aws_access_key_id"`
		} `json:"credentials"`
	} `json:"dns_provider"`

	shown object
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *dnsProvider) UnmarshalJSON(text []byte) error {
	type known dnsProvider
	return unmarshalTwice(text, (*known)(p), &p.shown)
}

// check implements [answer].
func (p *dnsProvider) check() error {
	if p.DNSProvider == nil {
		return fmt.Errorf("%w: no DNS provider", errIncomplete)
	}
	return nil
}

// ClusterDNSProvider implements [rotation.Qovery].
func (c *Client) ClusterDNSProvider(ctx context.Context, clusterID string) (*rotation.Holder, error) {
	var found dnsProvider
	err := c.get(ctx, "getClusterDnsProvider", pathOf("cluster", clusterID, "dnsProvider"), &found)
	switch {
	case err != nil:
		// Every cluster has a DNS provider. If it is not found, the token may lack the permission to read it.
		return nil, fmt.Errorf("DNS provider of cluster %s could not be read: %w", clusterID, err)
	case found.DNSProvider.Credentials.AWSAccessKeyID == "":
		return nil, nil
	}
	return &rotation.Holder{
		Kind:        rotation.HolderDNSProvider,
		ID:          clusterID,
		Name:        found.DNSProvider.Domain,
		AccessKeyID: found.DNSProvider.Credentials.AWSAccessKeyID,
		Obstacle:    storages[rotation.HolderDNSProvider].obstacle(found.shown, c.token),
	}, nil
}

// DeployCluster implements [rotation.Qovery]. The answer shows the status before the deployment, so it is ignored.
func (c *Client) DeployCluster(ctx context.Context, organizationID, clusterID string) error {
	return c.do(ctx, request{
		operation: "deployCluster",
		method:    http.MethodPost,
		path:      organizationPath(organizationID, "cluster", clusterID, "deploy"),
	}, nil)
}
