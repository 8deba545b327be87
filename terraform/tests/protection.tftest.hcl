# What must never be switched off.

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

run "stores" {
  assert {
    condition = alltrue([
      for kind in ["uploads", "masks", "results"] :
      aws_s3_bucket_public_access_block.bucket[kind].block_public_acls &&
      aws_s3_bucket_public_access_block.bucket[kind].block_public_policy &&
      aws_s3_bucket_public_access_block.bucket[kind].ignore_public_acls &&
      aws_s3_bucket_public_access_block.bucket[kind].restrict_public_buckets &&
      aws_s3_bucket_public_access_block.bucket[kind].bucket == aws_s3_bucket.bucket[kind].bucket
    ])
    error_message = "No bucket can be made public."
  }

  assert {
    condition = alltrue([
      for kind in ["uploads", "masks", "results"] :
      one(one(aws_s3_bucket_server_side_encryption_configuration.bucket[kind].rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    ])
    error_message = "Every bucket is encrypted."
  }

  assert {
    condition = alltrue([
      for kind in ["uploads", "masks", "results"] :
      aws_s3_bucket_ownership_controls.bucket[kind].rule[0].object_ownership == "BucketOwnerEnforced"
    ])
    error_message = "No access control list can give an object away."
  }

  assert {
    condition     = aws_s3_bucket_versioning.uploads.versioning_configuration[0].status == "Enabled"
    error_message = "No upload overwrites another."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.uploads[0].rule : try(one(rule.expiration).days, 0) == 0])
    error_message = "The originals are kept."
  }

  assert {
    condition = alltrue([
      for kind in ["masks", "results"] :
      aws_s3_bucket_lifecycle_configuration.outputs[kind].rule[0].expiration[0].days > var.lifetimes.record_days
    ])
    error_message = "Outputs outlive their record, but not for ever."
  }

  assert {
    condition     = aws_dynamodb_table.records.point_in_time_recovery[0].enabled && aws_dynamodb_table.records.server_side_encryption[0].enabled
    error_message = "The table is encrypted and can be restored to a point in time."
  }

  assert {
    condition     = aws_dynamodb_table.records.ttl[0].enabled && aws_dynamodb_table.records.ttl[0].attribute_name == "expires_at"
    error_message = "Records expire."
  }

  assert {
    condition     = aws_dynamodb_table.records.deletion_protection_enabled && alltrue([for bucket in aws_s3_bucket.bucket : !bucket.force_destroy])
    error_message = "Unless an environment says otherwise, no data can be destroyed by accident."
  }
}

run "transport" {
  assert {
    condition = alltrue([
      for document in concat(
        values(data.aws_iam_policy_document.bucket),
        values(data.aws_iam_policy_document.tls_only),
        [data.aws_iam_policy_document.notices],
      ) :
      document.statement[0].effect == "Deny" &&
      one(document.statement[0].principals).identifiers == toset(["*"]) &&
      one(document.statement[0].condition).test == "Bool" &&
      one(document.statement[0].condition).variable == "aws:SecureTransport" &&
      one(document.statement[0].condition).values == tolist(["false"])
    ])
    error_message = "Buckets, queues and topic refuse what does not come over TLS."
  }

  assert {
    condition = alltrue([
      for kind in ["uploads", "masks", "results"] :
      aws_s3_bucket_policy.bucket[kind].bucket == aws_s3_bucket.bucket[kind].bucket
    ])
    error_message = "Every bucket has its policy."
  }

  assert {
    condition     = aws_sqs_queue.dead_letter.sqs_managed_sse_enabled && aws_sqs_queue.undelivered.sqs_managed_sse_enabled && aws_sns_topic.notices.kms_master_key_id != ""
    error_message = "Queues and topic are encrypted."
  }
}

run "nothing_is_lost" {
  assert {
    condition     = aws_cloudwatch_event_target.process_image.dead_letter_config[0].arn == aws_sqs_queue.dead_letter.arn
    error_message = "An event that cannot start an execution is kept."
  }

  assert {
    condition = alltrue([
      for target in aws_cloudwatch_event_target.function : target.dead_letter_config[0].arn == aws_sqs_queue.dead_letter.arn
    ])
    error_message = "An event that cannot run a function is kept."
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.process_image.statement :
      contains(statement.actions, "sqs:SendMessage") && contains(statement.resources, aws_sqs_queue.dead_letter.arn)
    ])
    error_message = "The workflow keeps the events that it cannot read."
  }

  assert {
    condition     = toset(local.steps) == toset(["validate_image", "infer_mask", "analyze_image", "apply_mask", "save_result"])
    error_message = "The workflow may call its steps and nothing else."
  }

  assert {
    condition     = aws_cloudwatch_event_target.process_image.retry_policy[0].maximum_retry_attempts > 0
    error_message = "An event is tried again before it is set aside."
  }

  assert {
    condition = (
      aws_cloudwatch_event_archive.uploads.retention_days == 30 &&
      aws_cloudwatch_event_archive.uploads.event_pattern == aws_cloudwatch_event_rule.upload_arrived.event_pattern
    )
    error_message = "The events of 30 days can be replayed: those that the rule takes."
  }

  assert {
    condition     = aws_sqs_queue.dead_letter.message_retention_seconds == 1209600 && aws_sqs_queue.undelivered.message_retention_seconds == 1209600
    error_message = "What was set aside is kept for 14 days."
  }

  assert {
    condition = alltrue([
      for group in concat(
        values(aws_cloudwatch_log_group.function),
        [aws_cloudwatch_log_group.process_image, aws_cloudwatch_log_group.api_access, aws_cloudwatch_log_group.inference[0]],
      ) : group.retention_in_days == 30
    ])
    error_message = "Logs are kept for a time, not for ever."
  }

  assert {
    condition = (
      aws_sfn_state_machine.process_image.logging_configuration[0].level == "ALL" &&
      !aws_sfn_state_machine.process_image.logging_configuration[0].include_execution_data
    )
    error_message = "Every transition is logged, without people's data."
  }

  assert {
    condition     = aws_apigatewayv2_stage.api.default_route_settings[0].throttling_rate_limit > 0 && aws_apigatewayv2_stage.api.default_route_settings[0].throttling_burst_limit > 0
    error_message = "The API is throttled."
  }
}

run "least_privilege" {
  assert {
    condition = alltrue(flatten([
      for document in concat(
        values(data.aws_iam_policy_document.function),
        [data.aws_iam_policy_document.process_image, data.aws_iam_policy_document.inference[0], data.aws_iam_policy_document.upload_arrived],
        ) : [
        for statement in document.statement : [
          for action in statement.actions :
          !strcontains(action, "*") && (!contains(statement.resources, "*") || can(regex("^(cloudwatch:PutMetricData|ecr:GetAuthorizationToken|logs:(.*LogDeliver.*|DescribeLogGroups|.*ResourcePolic.*)|rekognition:Detect.*|xray:.*)$", action)))
        ]
      ]
    ]))
    error_message = "No action is a wildcard, and only actions that know no resources have * as theirs."
  }

  assert {
    condition = alltrue([
      for document in [data.aws_iam_policy_document.process_image_trust, data.aws_iam_policy_document.upload_arrived_trust, data.aws_iam_policy_document.inference_trust] :
      contains([for condition in document.statement[0].condition : condition.variable], "aws:SourceAccount")
    ])
    error_message = "A service takes a role for this account only."
  }

  assert {
    condition = (
      one(data.aws_iam_policy_document.dead_letter.statement[0].condition).variable == "aws:SourceArn" && # it names the account too
      toset(one(data.aws_iam_policy_document.dead_letter.statement[0].condition).values) == toset([
        aws_cloudwatch_event_rule.upload_arrived.arn,
        aws_cloudwatch_event_rule.execution_ended.arn,
        one(values(aws_cloudwatch_event_rule.reconcile)).arn,
      ])
    )
    error_message = "Of EventBridge only our rules may fill the dead-letter queue."
  }

  assert {
    condition = alltrue([
      for name, permission in aws_lambda_permission.rule :
      permission.principal == "events.amazonaws.com" && permission.source_arn == local.function_rules[name].arn
    ])
    error_message = "Only its own rule may run a function."
  }

  assert {
    condition     = aws_lambda_permission.api.source_arn == "${aws_apigatewayv2_api.api.execution_arn}/*/*"
    error_message = "Only our API may call its function."
  }
}

run "least_privilege_of_asynchronous_masks" {
  variables {
    mask_tier = "async"
  }

  assert {
    condition = alltrue(flatten([
      for document in concat(values(data.aws_iam_policy_document.function), data.aws_iam_policy_document.inference) : [
        for statement in document.statement : [
          for action in statement.actions :
          !strcontains(action, "*") && (!contains(statement.resources, "*") || can(regex("^(cloudwatch:PutMetricData|ecr:GetAuthorizationToken|logs:(.*LogDeliver.*|DescribeLogGroups|.*ResourcePolic.*)|rekognition:Detect.*|xray:.*)$", action)))
        ]
      ]
    ]))
    error_message = "No action is a wildcard, and only actions that know no resources have * as theirs."
  }

  assert {
    condition = alltrue([
      for kind in ["success", "error"] :
      aws_lambda_permission.inference[kind].source_arn == aws_sns_topic.inference[kind].arn &&
      aws_sns_topic_policy.inference[kind].arn == aws_sns_topic.inference[kind].arn &&
      aws_sns_topic.inference[kind].kms_master_key_id != ""
    ])
    error_message = "Only our topics, encrypted and over TLS, may call complete_mask."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.function["complete_mask"].statement : statement.resources
      if contains(statement.actions, "states:SendTaskSuccess")
    ])) == toset(["arn:aws:states:us-east-1:123456789012:stateMachine:matteflow-test-process-image"])
    error_message = "complete_mask ends tasks of our workflow only."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.function["complete_mask"].statement : statement.resources
      if contains(statement.actions, "s3:DeleteObject")
    ])) == toset(["${aws_s3_bucket.bucket["masks"].arn}/inference/*"])
    error_message = "complete_mask deletes what an inference left, and nothing else."
  }
}

run "least_privilege_of_the_inference_function" {
  variables {
    mask_tier = "lambda"
  }

  assert {
    condition = alltrue(flatten([
      for document in concat(values(data.aws_iam_policy_document.function), data.aws_iam_policy_document.inference_function) : [
        for statement in document.statement : [
          for action in statement.actions :
          !strcontains(action, "*") && (!contains(statement.resources, "*") || can(regex("^(cloudwatch:PutMetricData|ecr:GetAuthorizationToken|logs:(.*LogDeliver.*|DescribeLogGroups|.*ResourcePolic.*)|rekognition:Detect.*|xray:.*)$", action)))
        ]
      ]
    ]))
    error_message = "No action is a wildcard, and only actions that know no resources have * as theirs."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.function["infer_mask"].statement : statement.resources
      if contains(statement.actions, "lambda:InvokeFunction")
    ])) == toset(["arn:aws:lambda:us-east-1:123456789012:function:matteflow-test-inference"])
    error_message = "InferMask calls the inference function only."
  }
}
