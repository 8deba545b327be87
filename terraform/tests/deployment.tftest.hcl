# What is connected to what, and how it is named. tests/infrastructure/ reads what this run makes, too, and holds it
# against functions/ and the state machine.

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
  alarm_emails        = ["ops@example.org"]
}

run "deployment" {
  assert {
    condition = (
      length(aws_cloudfront_distribution.site) + length(aws_cloudfront_distribution.results) + length(aws_cloudfront_function.site) +
      length(aws_wafv2_web_acl.edge) + length(aws_cloudwatch_log_group.edge_access) + length(aws_cloudfront_key_group.signing) == 0 &&
      toset(keys(aws_s3_bucket.bucket)) == toset(["uploads", "masks", "results"])
    )
    error_message = "Without an edge there is nothing of it."
  }

  assert {
    condition = (
      output.site_bucket == null && output.site_distribution_id == null && output.dashboard_url == null &&
      output.api_url == "https://mockapi.execute-api.us-east-1.amazonaws.com" &&
      !contains(keys(aws_lambda_function.function["api"].environment[0].variables), "RESULTS_EDGE")
    )
    error_message = "The API is at its own address, and S3 serves the results."
  }

  assert {
    condition     = alltrue([for kind, bucket in aws_s3_bucket.bucket : bucket.bucket == "matteflow-test-${kind}-123456789012-us-east-1"])
    error_message = "A bucket's name holds environment, account and region, so that it is unique on AWS."
  }

  assert {
    condition = alltrue([
      for name, function in aws_lambda_function.function :
      function.function_name == "matteflow-test-${name}" &&
      function.logging_config[0].log_group == "/aws/lambda/matteflow-test-${name}" &&
      function.environment[0].variables.POWERTOOLS_SERVICE_NAME == name
    ])
    error_message = "The key of a function ends its name and its log group, and is its service's name."
  }

  assert {
    condition = alltrue([
      for function in aws_lambda_function.function :
      function.runtime == "python3.13" && function.architectures == tolist(["arm64"])
    ])
    error_message = "On AWS the functions are Python 3.13 on arm64."
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.upload_arrived.event_pattern) == {
      source      = ["aws.s3"]
      detail-type = ["Object Created"]
      account     = ["123456789012"]
      detail = {
        bucket = { name = ["matteflow-test-uploads-123456789012-us-east-1"] }
        object = { key = [{ prefix = "uploads/" }] }
      }
    }
    error_message = "The rule takes new objects under uploads/ of our own bucket, and nothing else."
  }

  assert {
    condition     = aws_s3_bucket_notification.uploads.eventbridge
    error_message = "The uploads bucket tells EventBridge of its objects."
  }

  assert {
    condition     = aws_cloudwatch_event_target.process_image.arn == aws_sfn_state_machine.process_image.arn
    error_message = "The rule starts the state machine."
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.execution_ended.event_pattern) == {
      source      = ["aws.states"]
      detail-type = ["Step Functions Execution Status Change"]
      detail = {
        stateMachineArn = [local.state_machine_arn]
        status          = ["ABORTED", "FAILED", "TIMED_OUT"]
      }
    }
    error_message = "The rule takes the ends of our executions that did not succeed."
  }

  assert {
    condition = {
      for name, target in aws_cloudwatch_event_target.function : name => [target.rule, target.arn]
      } == {
      record_failure    = [aws_cloudwatch_event_rule.execution_ended.name, aws_lambda_function.function["record_failure"].arn]
      reconcile_records = [one(values(aws_cloudwatch_event_rule.reconcile)).name, aws_lambda_function.function["reconcile_records"].arn]
    }
    error_message = "Each rule runs its function."
  }

  assert {
    condition     = one(values(aws_cloudwatch_event_rule.reconcile)).schedule_expression == "rate(15 minutes)"
    error_message = "What nobody noticed is looked for every quarter of an hour."
  }

  assert {
    condition     = aws_lambda_function.function["reconcile_records"].environment[0].variables.END_WITHIN_S == "7200"
    error_message = "No execution is taken for stopped before its time-out."
  }

  assert {
    condition = keys(aws_apigatewayv2_route.api) == [
      "DELETE /results/{image_id}",
      "DELETE /{proxy+}",
      "GET /health",
      "GET /images/uploads/{filename}/status",
      "GET /intake",
      "GET /metrics",
      "GET /openapi.json",
      "GET /results",
      "GET /results/{image_id}",
      "GET /{proxy+}",
      "POST /results/{image_id}/composites",
      "POST /results/{image_id}/resume",
      "POST /upload-url",
      "POST /{proxy+}",
    ]
    error_message = "The API has the routes of its document."
  }

  assert {
    condition     = aws_apigatewayv2_integration.api.payload_format_version == "2.0"
    error_message = "The API's handler reads payloads of version 2.0."
  }

  assert {
    condition = (
      aws_apigatewayv2_api.api.cors_configuration[0].allow_origins == toset(["https://photos.example.org"]) &&
      alltrue([
        for cors in concat([aws_s3_bucket_cors_configuration.uploads], values(aws_s3_bucket_cors_configuration.outputs)) :
        one(cors.cors_rule).allowed_origins == toset(["https://photos.example.org"]) &&
        contains(one(cors.cors_rule).allowed_methods, "GET")
      ])
    )
    error_message = "The API and every bucket let the same origins in."
  }

  assert {
    condition     = alltrue([for cors in aws_s3_bucket_cors_configuration.outputs : one(cors.cors_rule).allowed_methods == toset(["GET", "HEAD"])])
    error_message = "What is made can only be read."
  }

  assert {
    condition = (
      aws_lambda_function.function["api"].environment[0].variables.APPLY_MASK_FUNCTION == aws_lambda_function.function["apply_mask"].function_name &&
      endswith(local.apply_mask_arn, ":function:${aws_lambda_function.function["apply_mask"].function_name}") &&
      endswith(local.state_machine_arn, ":stateMachine:${aws_sfn_state_machine.process_image.name}")
    )
    error_message = "What is spelled out for the API is what there is."
  }

  assert {
    condition     = output.api_url == "https://mockapi.execute-api.us-east-1.amazonaws.com"
    error_message = "The API's address is API Gateway's own."
  }

  assert {
    condition     = aws_lambda_function.function["save_result"].environment[0].variables.RESULTS_URL == "${output.api_url}/results"
    error_message = "A notice links to the API where no dashboard is named."
  }

  assert {
    condition = (
      aws_lambda_function.function["infer_mask"].environment[0].variables.MASK_PROVIDER == output.mask_provider &&
      output.mask_provider == aws_sagemaker_endpoint.inference[0].name
    )
    error_message = "InferMask calls the endpoint."
  }

  assert {
    condition = { for index in aws_dynamodb_table.records.global_secondary_index : index.name => [index.hash_key, index.range_key, index.projection_type] } == {
      "owner-created_at-index"      = ["owner", "created_at", "ALL"]
      "upload_key-created_at-index" = ["upload_key", "created_at", "ALL"]
      "unsettled-updated_at-index"  = ["unsettled", "updated_at", "KEYS_ONLY"]
    }
    error_message = "Records are listed by owner, and found by upload key, or by what has yet to happen to them."
  }
}

run "async" {
  variables {
    mask_tier = "async"
    edge      = true
  }

  assert {
    condition = alltrue([
      for kind, subscription in aws_sns_topic_subscription.inference :
      subscription.protocol == "lambda" && subscription.endpoint == aws_lambda_function.function["complete_mask"].arn
    ]) && keys(aws_sns_topic_subscription.inference) == ["error", "success"]
    error_message = "complete_mask hears of every end of an inference."
  }
}

run "lambda" {
  variables {
    mask_tier             = "lambda"
    inference_environment = { MASK_ENGINE = "u2netp.onnx" }
  }

  assert {
    condition = (
      length(aws_sagemaker_model.inference) + length(aws_sagemaker_endpoint_configuration.inference) +
      length(aws_sagemaker_endpoint.inference) + length(aws_iam_role.inference) == 0
    )
    error_message = "There is nothing of SageMaker, and so nothing that costs while it is idle."
  }

  assert {
    condition = (
      one(aws_lambda_function.inference).package_type == "Image" &&
      one(aws_lambda_function.inference).image_uri == var.inference_image_uri &&
      one(aws_lambda_function.inference).image_config[0].command == tolist(["lambda"]) &&
      one(aws_lambda_function.inference).environment[0].variables.MASK_ENGINE == "u2netp.onnx"
    )
    error_message = "The function runs the inference image."
  }

  assert {
    condition     = aws_lambda_function.function["infer_mask"].environment[0].variables.MASK_PROVIDER == one(aws_lambda_function.inference).function_name
    error_message = "InferMask calls the function."
  }

  assert {
    condition     = aws_lambda_function.function["api"].environment[0].variables.MODELS == "u2netp"
    error_message = "The API offers the model that the container serves."
  }
}

run "every_default_set" {
  variables {
    inference_environment = { MASK_ENGINE = "u2netp" }
    default_options = {
      model      = "u2netp"
      outputs    = ["cutout", "matte", "matte_preview", "composite"]
      formats    = ["png", "webp", "webp_lossy", "avif"]
      crop       = { margin = 2.5 }
      background = "blur"
      shadow     = { opacity = 40, blur = 3, offset_x = -1, offset_y = 2 }
      thumbnail_sizes = [
        { width = 100, height = 50, fit = "focal" },
        { width = 640, height = 480 },
      ]
    }
  }

  assert {
    condition = jsondecode(aws_lambda_function.function["api"].environment[0].variables.DEFAULT_OPTIONS) == {
      model      = "u2netp"
      outputs    = ["cutout", "matte", "matte_preview", "composite"]
      formats    = ["png", "webp", "webp_lossy", "avif"]
      crop       = { margin = 2.5 }
      background = "blur"
      shadow     = { opacity = 40, blur = 3, offset_x = -1, offset_y = 2 }
      thumbnail_sizes = [
        { width = 100, height = 50, fit = "focal" },
        { width = 640, height = 480 },
      ]
    }
    error_message = "The functions get the default options as they were set."
  }

  assert {
    condition = (
      aws_lambda_function.function["validate_image"].environment[0].variables.DEFAULT_OPTIONS ==
      aws_lambda_function.function["api"].environment[0].variables.DEFAULT_OPTIONS
    )
    error_message = "An upload with a URL and one without it get the same defaults."
  }
}

run "a_default_set_in_part" {
  variables {
    default_options = { crop = {}, shadow = { opacity = 30 } }
  }

  assert {
    condition = jsondecode(aws_lambda_function.function["api"].environment[0].variables.DEFAULT_OPTIONS) == {
      crop   = {}
      shadow = { opacity = 30 }
    }
    error_message = "What is not set is left to the functions."
  }
}
