# What changes with the variables.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
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
    condition = aws_sagemaker_model.inference.primary_container[0].environment == tomap({
      MASK_ENGINE = "u2netp", MODEL_ARTIFACT_BUCKET = "weights", MODEL_ARTIFACT_PREFIX = "models/",
    })
    error_message = "The container is told of its engine and its weights."
  }

  assert {
    condition     = anytrue([for statement in data.aws_iam_policy_document.inference.statement : contains(statement.resources, "arn:aws:s3:::weights/models/*")])
    error_message = "The container may read its weights."
  }
}
