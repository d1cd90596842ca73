package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// stateFile is the name of a workspace's state file.
const stateFile = "terraform.tfstate"

// customer is a credentials set with its own IAM user. The user's name is also its key in for_each.
type customer struct {
	organizationID, credentialsID, userName string
	// others are the other ids and names in its state.
	others []string
}

// names returns all ids and names in the state of a customer, in the same order for every customer.
func (c customer) names() []string {
	return append([]string{c.organizationID, c.credentialsID, c.userName}, c.others...)
}

// configure writes the customers to pairs.json.
func (w *workspace) configure(customers []customer) error {
	pairs := map[string]map[string]string{}
	for _, c := range customers {
		pairs[c.userName] = map[string]string{
			"organization_id": c.organizationID, "credentials_id": c.credentialsID, "iam_user_name": c.userName,
		}
	}
	content, err := json.Marshal(pairs)
	if err != nil {
		return err
	}
	return w.write("pairs.json", content)
}

// adopt applies the configuration for the first customer, and copies the result in the state for the others, because
// Terraform needs minutes to create a thousand resources. An empty plan afterwards proves that the copies are right.
func (w *workspace) adopt(ctx context.Context, customers []customer) error {
	if err := w.configure(customers[:1]); err != nil {
		return err
	}
	if _, err := w.run(ctx, "apply", "-auto-approve", "-input=false", "-no-color"); err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(w.dir, stateFile))
	if err != nil {
		return err
	}
	var state map[string]json.RawMessage
	var resources []map[string]json.RawMessage
	if err := json.Unmarshal(content, &state); err != nil {
		return err
	}
	if err := json.Unmarshal(state["resources"], &resources); err != nil {
		return err
	}
	for _, resource := range resources {
		if resource["module"] != nil { // Each customer has its own module.
			continue
		}
		var instances []json.RawMessage
		if err := json.Unmarshal(resource["instances"], &instances); err != nil {
			return err
		}
		for _, c := range customers[1:] {
			instances = append(instances, rename(instances[0], customers[0].names(), c.names()))
		}
		if resource["instances"], err = json.Marshal(instances); err != nil {
			return err
		}
	}
	if resources, err = inModules(resources, customers); err != nil {
		return err
	}
	if state["resources"], err = json.Marshal(resources); err != nil {
		return err
	}
	if content, err = json.Marshal(state); err != nil {
		return err
	}
	if err := w.write(stateFile, content); err != nil {
		return err
	}
	return w.configure(customers)
}

// inModules copies the resources in the first customer's module for the other customers.
func inModules(resources []map[string]json.RawMessage, customers []customer) ([]map[string]json.RawMessage, error) {
	all := resources
	for _, resource := range resources {
		if resource["module"] == nil {
			continue
		}
		content, err := json.Marshal(resource)
		if err != nil {
			return nil, err
		}
		for _, c := range customers[1:] {
			var renamed map[string]json.RawMessage
			if err := json.Unmarshal(rename(content, customers[0].names(), c.names()), &renamed); err != nil {
				return nil, err
			}
			all = append(all, renamed)
		}
	}
	return all, nil
}

// rename replaces names in a text.
func rename(text []byte, from, to []string) []byte {
	var replacements []string
	for i := range from {
		replacements = append(replacements, from[i], to[i])
	}
	return []byte(strings.NewReplacer(replacements...).Replace(string(text)))
}

// stage is a world with customers, and a workspace that has adopted their keys.
type stage struct {
	*simulator.World
	*workspace
	organizations []*simulator.Organization
	customers     []customer
	clusters      []*simulator.Cluster
}

// scale is the size of a stage.
type scale struct {
	organizations, pairsEach, clustersEach int
	pollInterval                           time.Duration
	// shape is the configuration of the pairs; flat by default.
	shape string
}

// newStage builds a world and adopts its keys. Every pair has its own credentials set and IAM user.
func (b *bench) newStage(ctx context.Context, config simulator.Config, size scale) (_ *stage, err error) {
	config.Clock, config.PropagationDelay = simulator.NewRealClock(), -1
	world, err := simulator.Start(config)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			world.Close()
		}
	}()
	s := &stage{World: world}
	start := world.Clock().Now()
	for i := range size.organizations {
		organization := world.AddOrganization(fmt.Sprintf("organization-%d", i))
		s.organizations = append(s.organizations, organization)
		for range size.pairsEach {
			name := fmt.Sprintf("qovery-%d", len(s.customers))
			set := organization.AddCredentials(name, world.AddUser(name).AddKeyCreated(start))
			c := customer{organizationID: organization.ID, credentialsID: set.ID, userName: name, others: []string{set.AccessKeyID()}}
			for range size.clustersEach {
				region := []string{"eu-west-3", "us-east-1"}[len(s.clusters)%2]
				cluster := organization.AddCluster(fmt.Sprintf("cluster-%d", len(s.clusters)), region, set)
				s.clusters = append(s.clusters, cluster)
				registry := cluster.Registry()
				c.others = append(c.others, cluster.ID, registry.ID, registry.Object()["name"].(string))
			}
			s.customers = append(s.customers, c)
		}
	}
	env := world.Env()
	env["TF_VAR_poll_interval"] = size.pollInterval.String()
	if s.workspace, err = b.newWorkspace(settings+cmp.Or(size.shape, flat), env); err != nil {
		return nil, err
	}
	return s, s.adopt(ctx, s.customers)
}

// requestsFor returns the requests for an operation in the record.
func (s *stage) requestsFor(operation string) []simulator.Request {
	var found []simulator.Request
	for _, request := range s.Requests() {
		if request.Operation == operation {
			found = append(found, request)
		}
	}
	return found
}
