mock_provider "qoveryrotation" {
  source = "./tests/qoveryrotation"
}

variables {
  organization_id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
}

run "every_key_has_a_cleanup" {
  assert {
    condition     = keys(qoveryrotation_aws_access_key_cleanup.all) == keys(qoveryrotation_aws_credentials.all)
    error_message = "An access key would never be deleted."
  }

  assert {
    condition     = output.report["production"] == { age_days = 12, delete_after = "2027-01-04T11:05:12Z" }
    error_message = "The report is not about the mocked credentials."
  }
}

# A run can override mocked values.
run "old_keys_are_reported" {
  override_data {
    target = data.qoveryrotation_aws_credentials.all["6ba7b810-9dad-41d1-80b4-00c04fd430c8"]
    values = { access_key_age_days = 112 }
  }

  assert {
    condition     = [for set in output.report : set.age_days] == [112]
    error_message = "The report does not show the age of the key."
  }
}
