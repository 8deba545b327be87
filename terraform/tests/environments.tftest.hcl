# What changes with the variables.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  edge                = false
  environment         = "test"
  cors_origins        = ["https://photos.example.org"]
  inference_image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow-inference:1"
}

run "an_emulator_differs_by_variables_only" {
  command = plan

  variables {
    lambda_runtime       = "provided.al2023"
    lambda_architecture  = "x86_64"
    function_environment = { AWS_ENDPOINT_URL = "http://127.0.0.1:4566" }
    api_url_override     = "http://127.0.0.1:4566/_aws/execute-api/{api_id}/$default"
    bucket_lifecycle     = false
    tracing              = false
    inference_instances  = { min = 1, max = 1 }
  }

  override_resource {
    target          = aws_apigatewayv2_api.api
    override_during = plan
    values = {
      id            = "mockapi"
      api_endpoint  = "https://mockapi.execute-api.us-east-1.amazonaws.com"
      execution_arn = "arn:aws:execute-api:us-east-1:123456789012:mockapi"
    }
  }

  assert {
    condition     = output.api_url == "http://127.0.0.1:4566/_aws/execute-api/mockapi/$default"
    error_message = "The API's id takes its place in the given address."
  }

  assert {
    condition = alltrue([
      for function in aws_lambda_function.function :
      function.runtime == "provided.al2023" &&
      function.environment[0].variables.AWS_ENDPOINT_URL == "http://127.0.0.1:4566"
    ])
    error_message = "Runtime and endpoints reach every function."
  }

  assert {
    condition     = length(aws_appautoscaling_target.inference) + length(aws_appautoscaling_policy.inference) == 0
    error_message = "Nothing scales between one instance and one."
  }

}

run "auto_scaling_follows_the_number_of_instances" {
  command = plan

  variables {
    inference_instances = { min = 1, max = 4 }
  }

  assert {
    condition = (
      one(aws_appautoscaling_target.inference).max_capacity == 4 &&
      one(aws_appautoscaling_target.inference).resource_id == "endpoint/matteflow-test-inference/variant/main"
    )
    error_message = "The endpoint's variant scales to four instances."
  }
}

run "an_asynchronous_endpoint_scales_to_zero_and_wakes_up" {
  command = plan

  variables {
    mask_tier           = "async"
    inference_instances = { max = 3 }
  }

  assert {
    condition = (
      one(aws_appautoscaling_target.inference).min_capacity == 0 &&
      one(aws_appautoscaling_target.inference).max_capacity == 3 &&
      one(aws_sagemaker_endpoint_configuration.inference).production_variants[0].initial_instance_count == 1
    )
    error_message = "SageMaker makes the endpoint with an instance, and auto scaling may take it away."
  }

  assert {
    condition = (
      one(one(aws_appautoscaling_policy.inference).target_tracking_scaling_policy_configuration[0].customized_metric_specification).metric_name == "ApproximateBacklogSizePerInstance" &&
      one(aws_cloudwatch_metric_alarm.backlog_without_capacity).metric_name == "HasBacklogWithoutCapacity"
    )
    error_message = "More instances follow the backlog, and the first one comes once anything waits."
  }

  assert {
    condition = (
      one(aws_sagemaker_endpoint_configuration.inference).async_inference_config[0].output_config[0].s3_output_path ==
      "s3://matteflow-test-masks-123456789012-us-east-1/inference/"
    )
    error_message = "Its answers lie where complete_mask may read them."
  }

  assert {
    condition = anytrue([
      for rule in aws_s3_bucket_lifecycle_configuration.outputs["masks"].rule :
      rule.filter[0].prefix == "inference/" && rule.expiration[0].days == 1
    ])
    error_message = "Its answers end within a day."
  }
}

run "an_asynchronous_endpoint_can_stay_on" {
  command = plan

  variables {
    mask_tier           = "async"
    inference_instances = { min = 1, max = 1 }
  }

  assert {
    condition = (
      length(aws_appautoscaling_policy.inference) + length(aws_appautoscaling_policy.wake_up) +
      length(aws_cloudwatch_metric_alarm.backlog_without_capacity) == 0
    )
    error_message = "Nothing scales between one instance and one."
  }
}

run "nothing_is_looked_for_without_a_schedule" {
  command = plan

  variables {
    reconcile_schedule = null
  }

  assert {
    condition = (
      length(aws_cloudwatch_event_rule.reconcile) == 0 &&
      keys(aws_cloudwatch_event_target.function) == ["record_failure"] && keys(aws_lambda_permission.rule) == ["record_failure"]
    )
    error_message = "Nothing runs reconcile_records."
  }
}

run "everyone_named_is_subscribed" {
  command = plan

  variables {
    notification_emails = ["ana@example.org", "ben@example.org"]
  }

  assert {
    condition = toset([for subscription in aws_sns_topic_subscription.notices : "${subscription.protocol} ${subscription.endpoint}"]) == toset([
      "email ana@example.org", "email ben@example.org",
    ])
    error_message = "Each address gets the notices."
  }
}

run "the_container_may_read_its_weights" {
  command = plan

  variables {
    inference_environment = { MASK_ENGINE = "u2netp" }
    inference_weights     = { bucket = "weights", prefix = "models/" }
  }

  assert {
    condition = aws_sagemaker_model.inference[0].primary_container[0].environment == tomap({
      MASK_ENGINE = "u2netp", MODEL_ARTIFACT_BUCKET = "weights", MODEL_ARTIFACT_PREFIX = "models/",
    })
    error_message = "The container is told of its engine and its weights."
  }

  assert {
    condition     = anytrue([for statement in data.aws_iam_policy_document.inference[0].statement : contains(statement.resources, "arn:aws:s3:::weights/models/*")])
    error_message = "The container may read its weights."
  }
}

run "the_longest_names_are_short_enough" {
  command = plan

  variables {
    environment = "sixteen-letters1"
    region      = "ap-southeast-1"
  }

  assert {
    condition = alltrue([
      for role in concat(values(aws_iam_role.function), [aws_iam_role.process_image, aws_iam_role.upload_arrived], aws_iam_role.inference) :
      length(role.name) <= 64 && startswith(role.name, "matteflow-sixteen-letters1-ap-southeast-1-")
    ])
    error_message = "A role has one name in the account, of at most 64 characters, so it tells the region too."
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.bucket : length(bucket.bucket) <= 63])
    error_message = "A bucket's name has at most 63 characters."
  }
}
