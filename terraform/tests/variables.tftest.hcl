# What the variables refuse. Every variable listed in a run must fail by itself.

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

run "too_little" {
  command = plan

  variables {
    log_retention_days               = 0
    intake                           = { max_size_bytes = 0 }
    proxy_max_side                   = 100
    analysis                         = { max_labels = 0 }
    confidence_threshold             = -1
    lifetimes                        = { record_days = 0 }
    allowed_account_ids              = ["12"]
    api_throttle                     = { rate = 0 }
    inference_invocations_per_minute = 0
    inference_backlog_per_instance   = 0
    inference_concurrency            = 0
    inference_function_memory_mb     = 128
    requests_per_ip                  = 9
  }

  expect_failures = [
    var.log_retention_days, var.intake, var.proxy_max_side, var.analysis, var.confidence_threshold, var.lifetimes,
    var.allowed_account_ids, var.api_throttle, var.inference_invocations_per_minute,
    var.inference_backlog_per_instance, var.inference_concurrency, var.inference_function_memory_mb, var.requests_per_ip,
  ]
}

run "too_much" {
  command = plan

  variables {
    environment          = "a-name-of-more-than-16"
    intake               = { max_pixels = 50000001 }
    proxy_max_side       = 10000
    analysis             = { label_min_confidence = 101 }
    confidence_threshold = 101
    lifetimes            = { result_url_s = 86400 }
  }

  expect_failures = [
    var.environment, var.intake, var.proxy_max_side, var.analysis, var.confidence_threshold, var.lifetimes,
  ]
}

run "not_in_the_list" {
  command = plan

  variables {
    lambda_runtime      = "python3.8"
    lambda_architecture = "riscv"
    log_level           = "LOUD"
    intake              = { accepted_formats = ["PDF"] }
    mask_tier           = "batch"
    default_options     = { model = "u2net" }
    price_class         = "PriceClass_1"
  }

  expect_failures = [
    var.lambda_runtime, var.lambda_architecture, var.log_level, var.intake, var.mask_tier, var.default_options,
    var.price_class,
  ]
}

run "malformed" {
  command = plan

  variables {
    environment             = "Dev_1"
    region                  = "moon"
    dashboard_url           = "https://photos.example.org/"
    notification_emails     = ["nobody"]
    inference_image_uri     = "python:3"
    inference_instance_type = "g4dn.xlarge"
    inference_environment   = { MASK_ENGINE = "U2-Net" }
    reconcile_schedule      = "15 minutes"
    alarm_emails            = ["nobody"]
    domain                  = { site = "photos.example.org", results = "photos.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1" }
  }

  expect_failures = [
    var.environment, var.region, var.dashboard_url, var.notification_emails, var.inference_image_uri,
    var.inference_instance_type, var.inference_environment, var.reconcile_schedule, var.alarm_emails,
    var.domain,
  ]
}

run "masks_that_do_not_fit_a_functions_answer" {
  command = plan

  variables {
    mask_tier      = "lambda"
    proxy_max_side = 4096
  }

  expect_failures = [var.mask_tier]
}

run "a_functions_image_from_elsewhere" {
  command = plan

  variables {
    mask_tier = "lambda"
    region    = "eu-west-1"
  }

  expect_failures = [var.mask_tier]
}

run "an_instance_of_another_architecture" {
  command = plan

  variables {
    inference_instance_type = "ml.c7g.xlarge"
  }

  expect_failures = [var.inference_instance_type]
}

run "a_model_that_wants_prompts" {
  command = plan

  variables {
    inference_environment = { MASK_ENGINE = "sam" }
  }

  expect_failures = [var.inference_environment]
}

# Alone, as what is wrong with a variable hides what depends on it.
run "no_instance_in_real_time" {
  command = plan

  variables {
    inference_instances = { min = 0 }
  }

  expect_failures = [var.inference_instances]
}

run "more_instances_than_the_most" {
  command = plan

  variables {
    inference_instances = { min = 3, max = 2 }
  }

  expect_failures = [var.inference_instances]
}

run "every_origin_and_no_frame" {
  command = plan

  variables {
    cors_origins = ["*"]
    intake       = { max_frames = 0 }
  }

  expect_failures = [var.cors_origins, var.intake]
}

run "a_path_in_an_origin" {
  command = plan

  variables {
    cors_origins = ["https://photos.example.org/gallery"]
  }

  expect_failures = [var.cors_origins]
}

run "archives_that_are_not_built" {
  command = plan

  variables {
    build_dir = "./absent"
  }

  expect_failures = [var.build_dir]
}
