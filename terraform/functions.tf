locals {
  uploads_bucket_arn = aws_s3_bucket.bucket["uploads"].arn
  masks_bucket_arn   = aws_s3_bucket.bucket["masks"].arn
  results_bucket_arn = aws_s3_bucket.bucket["results"].arn
  record_index_arn   = "${aws_dynamodb_table.records.arn}/index" # an index's name follows

  # Where a notice sends people: the dashboard has its pages of results under the API's own path.
  results_url = "${coalesce(local.dashboard_url, local.api_url)}/results"

  # S3 answers "access denied" for an object that is gone, unless the caller may list its bucket: all of it, as a
  # request for an object has no prefix to be held against.
  tell_gone_from_denied = {
    for name, bucket in aws_s3_bucket.bucket : name => { actions = ["s3:ListBucket"], resources = [bucket.arn] }
  }

  # A UUID, and so not what an asynchronous inference leaves beside the pictures.
  any_image_id = "????????-????-????-????-????????????"

  # On the picture's record, which the step's execution owns.
  mark_progress = {
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.records.arn]
  }

  # Spelled out, as the API, which may invoke it, is made from the same map.
  apply_mask_name = "${local.name_prefix}-apply_mask"
  apply_mask_arn  = "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${local.apply_mask_name}"

  execution_arns = "${replace(local.state_machine_arn, ":stateMachine:", ":execution:")}:*"

  intake_environment = {
    MAX_SIZE_BYTES   = var.intake.max_size_bytes
    MAX_PIXELS       = var.intake.max_pixels
    ACCEPTED_FORMATS = join(",", var.intake.accepted_formats)
    DEFAULT_OPTIONS  = jsonencode(local.default_options)
  }

  # What is not set is left out, on every level: the defaults of ProcessingOptions are the only ones.
  default_options = {
    for option, value in merge(var.default_options, {
      crop            = try({ for name, value in var.default_options.crop : name => value if value != null }, null)
      shadow          = try({ for name, value in var.default_options.shadow : name => value if value != null }, null)
      thumbnail_sizes = try([for size in var.default_options.thumbnail_sizes : { for name, value in size : name => value if value != null }], null)
    }) : option => value if value != null
  }

  # The functions. A key is the folder in functions/ and so the handler's path, the placeholder <key>_arn of the state
  # machine, the end of the function's name and log group; its state is the PascalCase of it. `statements` is all that
  # the function may do beside logging and tracing. A time-out is shorter than its state's, so that the state sees it.
  functions = merge({
    validate_image = {
      description = "Checks an upload, claims its record and writes its proxy."
      memory_mb   = 2048
      timeout_s   = 120
      layers      = ["core", "imaging"]
      environment = merge(local.intake_environment, {
        TABLE_NAME      = aws_dynamodb_table.records.name
        MASKS_BUCKET    = aws_s3_bucket.bucket["masks"].bucket
        MAX_FRAMES      = var.intake.max_frames
        PROXY_MAX_SIDE  = var.proxy_max_side
        RECORD_TTL_DAYS = var.lifetimes.record_days
      })
      statements = [
        local.tell_gone_from_denied.uploads,
        { actions = ["s3:GetObjectVersion"], resources = ["${local.uploads_bucket_arn}/uploads/*"] },
        { actions = ["s3:PutObject"], resources = ["${local.masks_bucket_arn}/*/proxy.jpg"] },
        { actions = ["dynamodb:GetItem", "dynamodb:UpdateItem"], resources = [aws_dynamodb_table.records.arn] },
      ]
    }

    infer_mask = {
      description = "Has the endpoint make the mask of a proxy, and keeps it."
      memory_mb   = 1024
      timeout_s   = 95 # one call to whatever makes the mask, which is waited for 80 s at most
      layers      = ["core", "imaging"]
      environment = {
        TABLE_NAME    = aws_dynamodb_table.records.name
        MASKS_BUCKET  = aws_s3_bucket.bucket["masks"].bucket
        MASK_TIER     = var.mask_tier
        MASK_PROVIDER = local.mask_provider
      }
      statements = local.infer_mask_statements[var.mask_tier]
    }

    analyze_image = {
      description = "Asks Rekognition what a proxy shows."
      memory_mb   = 512
      timeout_s   = 60
      layers      = ["core"]
      environment = {
        TABLE_NAME                = aws_dynamodb_table.records.name
        MASKS_BUCKET              = aws_s3_bucket.bucket["masks"].bucket
        MAX_LABELS                = var.analysis.max_labels
        LABEL_MIN_CONFIDENCE      = var.analysis.label_min_confidence
        MODERATION_MIN_CONFIDENCE = var.analysis.moderation_min_confidence
        BLOCKED_MODERATION        = join(",", var.analysis.blocked_moderation)
      }
      statements = [
        # Rekognition reads the proxy from S3 with the function's own permission.
        { actions = ["s3:GetObject"], resources = ["${local.masks_bucket_arn}/*/proxy.jpg"] },
        { actions = ["s3:PutObject"], resources = ["${local.masks_bucket_arn}/*/analysis.json"] },
        # These actions know no resources: AWS takes only * for them.
        {
          actions = [
            "rekognition:DetectFaces",
            "rekognition:DetectLabels",
            "rekognition:DetectModerationLabels",
            "rekognition:DetectText",
          ]
          resources = ["*"]
        },
        local.mark_progress,
      ]
    }

    apply_mask = {
      description = "Cuts the upload out at full size and makes every output."
      memory_mb   = 3008
      timeout_s   = 120
      layers      = ["core", "imaging"]
      environment = {
        TABLE_NAME     = aws_dynamodb_table.records.name
        RESULTS_BUCKET = aws_s3_bucket.bucket["results"].bucket
        MAX_PIXELS     = var.intake.max_pixels
      }
      statements = [
        local.tell_gone_from_denied.uploads,
        local.tell_gone_from_denied.masks,
        { actions = ["s3:GetObjectVersion"], resources = ["${local.uploads_bucket_arn}/uploads/*"] },
        {
          # The background may be another picture, as its proxy shows it.
          actions   = ["s3:GetObject"]
          resources = ["${local.masks_bucket_arn}/*/mask.png", "${local.masks_bucket_arn}/*/proxy.jpg"]
        },
        { actions = ["s3:PutObject"], resources = ["${local.results_bucket_arn}/*"] },
        local.mark_progress,
      ]
    }

    save_result = {
      description = "Writes a picture's terminal record: the commit point."
      memory_mb   = 256
      timeout_s   = 30
      layers      = ["core"]
      environment = {
        TABLE_NAME      = aws_dynamodb_table.records.name
        RECORD_TTL_DAYS = var.lifetimes.record_days
        RESULTS_URL     = local.results_url
      }
      statements = [
        { actions = ["dynamodb:GetItem", "dynamodb:UpdateItem"], resources = [aws_dynamodb_table.records.arn] },
      ]
    }

    api = {
      description = "Answers the HTTP API."
      memory_mb   = 512
      timeout_s   = 29 # API Gateway itself gives up after 30
      layers      = ["core"]
      environment = merge(local.intake_environment, local.results_edge_environment, {
        TABLE_NAME               = aws_dynamodb_table.records.name
        UPLOADS_BUCKET           = aws_s3_bucket.bucket["uploads"].bucket
        MASKS_BUCKET             = aws_s3_bucket.bucket["masks"].bucket
        RESULTS_BUCKET           = aws_s3_bucket.bucket["results"].bucket
        APPLY_MASK_FUNCTION      = local.apply_mask_name
        STATE_MACHINE_ARN        = local.state_machine_arn
        UPLOAD_URL_TTL_S         = var.lifetimes.upload_url_s
        RESULT_URL_TTL_S         = var.lifetimes.result_url_s
        AWAITING_UPLOAD_TTL_DAYS = var.lifetimes.awaiting_upload_days
        AUTH                     = var.auth
        PICTURES_PER_DAY         = var.pictures_per_day == null ? "" : var.pictures_per_day
        GROUP_PICTURES_PER_DAY   = jsonencode({ for name, group in var.user_groups : name => group.pictures_per_day })
        MASK_PROVIDER            = local.mask_provider
        MODELS                   = join(",", local.models)
        VERSION                  = local.version
      })
      statements = concat(local.read_signing_key, [
        {
          actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
          resources = [aws_dynamodb_table.records.arn]
        },
        {
          actions   = ["dynamodb:Query"]
          resources = ["${local.record_index_arn}/owner-created_at-index", "${local.record_index_arn}/upload_key-created_at-index"]
        },
        {
          # Signed URLs carry the function's own permissions: to upload, and to see originals, masks and results.
          actions   = ["s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
          resources = ["${local.uploads_bucket_arn}/uploads/*"]
        },
        {
          actions   = ["s3:GetObject"]
          resources = ["${local.masks_bucket_arn}/*/mask.png", "${local.masks_bucket_arn}/*/proxy.jpg", "${local.results_bucket_arn}/*"]
        },
        {
          actions   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
          resources = ["${local.masks_bucket_arn}/${local.any_image_id}/*", "${local.results_bucket_arn}/*"]
        },
        {
          actions   = ["s3:ListBucket", "s3:ListBucketVersions"]
          resources = [local.uploads_bucket_arn, local.masks_bucket_arn, local.results_bucket_arn]
        },
        { actions = ["lambda:InvokeFunction"], resources = [local.apply_mask_arn] },
        { actions = ["states:StartExecution"], resources = [local.state_machine_arn] },
        { actions = ["states:DescribeExecution"], resources = [local.execution_arns] },
      ])
    }

    record_failure = {
      description = "Writes the record of a picture whose execution ended without doing so, and tells its owner."
      memory_mb   = 256
      timeout_s   = 60
      layers      = ["core"]
      environment = {
        TABLE_NAME            = aws_dynamodb_table.records.name
        UPLOADS_BUCKET        = aws_s3_bucket.bucket["uploads"].bucket
        TOPIC_ARN             = aws_sns_topic.notices.arn
        EVENT_BUS_NAME        = data.aws_cloudwatch_event_bus.default.name
        UNDELIVERED_QUEUE_URL = aws_sqs_queue.undelivered.url
        RECORD_TTL_DAYS       = var.lifetimes.record_days
        RESULTS_URL           = local.results_url
      }
      statements = [
        { actions = ["dynamodb:UpdateItem"], resources = [aws_dynamodb_table.records.arn] },
        { actions = ["sns:Publish"], resources = [aws_sns_topic.notices.arn] },
        { actions = ["events:PutEvents"], resources = [data.aws_cloudwatch_event_bus.default.arn] },
        { actions = ["sqs:SendMessage"], resources = [aws_sqs_queue.undelivered.arn] },
      ]
    }

    reconcile_records = {
      description = "Starts pictures again whose upload or whose execution's end nobody noticed."
      memory_mb   = 256
      timeout_s   = 120
      layers      = ["core"]
      environment = {
        TABLE_NAME        = aws_dynamodb_table.records.name
        UPLOADS_BUCKET    = aws_s3_bucket.bucket["uploads"].bucket
        STATE_MACHINE_ARN = local.state_machine_arn
        UPLOAD_WITHIN_S   = var.lifetimes.upload_url_s + 900 # an upload that began in time may take a while
        END_WITHIN_S      = local.execution_timeout_s
      }
      statements = [
        local.tell_gone_from_denied.uploads,
        { actions = ["s3:ListBucketVersions"], resources = [local.uploads_bucket_arn] },
        { actions = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject"], resources = ["${local.uploads_bucket_arn}/uploads/*"] },
        { actions = ["dynamodb:GetItem", "dynamodb:UpdateItem"], resources = [aws_dynamodb_table.records.arn] },
        { actions = ["dynamodb:Query"], resources = ["${local.record_index_arn}/unsettled-updated_at-index"] },
        { actions = ["states:StartExecution"], resources = [local.state_machine_arn] },
        { actions = ["states:DescribeExecution"], resources = [local.execution_arns] },
      ]
    }
    }, {
    for name, function in {
      complete_mask = {
        description = "Takes in the mask of an asynchronous inference, and tells the workflow that waits for it."
        memory_mb   = 1024
        timeout_s   = 60
        layers      = ["core", "imaging"]
        environment = {
          TABLE_NAME   = aws_dynamodb_table.records.name
          MASKS_BUCKET = aws_s3_bucket.bucket["masks"].bucket
        }
        statements = [
          local.tell_gone_from_denied.masks,
          {
            actions   = ["s3:GetObject", "s3:DeleteObject"]
            resources = ["${local.masks_bucket_arn}/${local.inference_prefix}*"]
          },
          local.keep_mask,
          local.mark_progress,
          {
            actions   = ["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"]
            resources = [local.state_machine_arn]
          },
        ]
      }
    } : name => function if local.is_async
  })
}
