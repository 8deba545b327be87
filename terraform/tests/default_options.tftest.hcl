# Which default options are refused: one run an option and a way to get it wrong.

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

run "no_output" {
  command = plan

  variables {
    default_options = { outputs = [] }
  }

  expect_failures = [var.default_options]
}

run "an_unknown_output" {
  command = plan

  variables {
    default_options = { outputs = ["mask"] }
  }

  expect_failures = [var.default_options]
}

run "an_output_twice" {
  command = plan

  variables {
    default_options = { outputs = ["matte", "matte"] }
  }

  expect_failures = [var.default_options]
}

run "no_format" {
  command = plan

  variables {
    default_options = { formats = [] }
  }

  expect_failures = [var.default_options]
}

run "an_unknown_format" {
  command = plan

  variables {
    default_options = { formats = ["gif"] }
  }

  expect_failures = [var.default_options]
}

run "a_format_twice" {
  command = plan

  variables {
    default_options = { formats = ["png", "png"] }
  }

  expect_failures = [var.default_options]
}

run "a_model_that_is_a_path" {
  command = plan

  variables {
    default_options = { model = "../u2net" }
  }

  expect_failures = [var.default_options]
}

run "a_margin_below_0" {
  command = plan

  variables {
    default_options = { crop = { margin = -1 } }
  }

  expect_failures = [var.default_options]
}

run "a_margin_above_50" {
  command = plan

  variables {
    default_options = { crop = { margin = 51 } }
  }

  expect_failures = [var.default_options]
}

run "a_background_by_name" {
  command = plan

  variables {
    default_options = { background = "white" }
  }

  expect_failures = [var.default_options]
}

run "somebodys_picture_as_background" {
  command = plan

  variables {
    default_options = { background = "01936f6e-8c4b-7c3a-9f5e-2b1a7d9c0e4f" }
  }

  expect_failures = [var.default_options]
}

run "an_opacity_above_100" {
  command = plan

  variables {
    default_options = { shadow = { opacity = 101 } }
  }

  expect_failures = [var.default_options]
}

run "a_shadow_too_soft" {
  command = plan

  variables {
    default_options = { shadow = { blur = 26 } }
  }

  expect_failures = [var.default_options]
}

run "a_shadow_too_far_left" {
  command = plan

  variables {
    default_options = { shadow = { offset_x = -51 } }
  }

  expect_failures = [var.default_options]
}

run "a_shadow_too_far_down" {
  command = plan

  variables {
    default_options = { shadow = { offset_y = 51 } }
  }

  expect_failures = [var.default_options]
}

run "no_thumbnail" {
  command = plan

  variables {
    default_options = { thumbnail_sizes = [] }
  }

  expect_failures = [var.default_options]
}

run "eleven_thumbnails" {
  command = plan

  variables {
    default_options = { thumbnail_sizes = [for side in range(20, 31) : { width = side, height = side }] }
  }

  expect_failures = [var.default_options]
}

run "a_thumbnail_twice" {
  command = plan

  variables {
    default_options = { thumbnail_sizes = [{ width = 64, height = 64 }, { width = 64, height = 64, fit = "contain" }] }
  }

  expect_failures = [var.default_options]
}

run "a_thumbnail_too_small" {
  command = plan

  variables {
    default_options = { thumbnail_sizes = [{ width = 15, height = 64 }] }
  }

  expect_failures = [var.default_options]
}

run "a_thumbnail_too_large" {
  command = plan

  variables {
    default_options = { thumbnail_sizes = [{ width = 64, height = 4097 }] }
  }

  expect_failures = [var.default_options]
}

run "half_a_pixel" {
  command = plan

  variables {
    default_options = { thumbnail_sizes = [{ width = 64.5, height = 64 }] }
  }

  expect_failures = [var.default_options]
}

run "an_unknown_fit" {
  command = plan

  variables {
    default_options = { thumbnail_sizes = [{ width = 64, height = 64, fit = "fill" }] }
  }

  expect_failures = [var.default_options]
}
