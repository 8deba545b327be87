# What an environment is made of in each tier, for `make cost`, which prices it. Its variables come from whoever runs it.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "realtime" {
  variables {
    mask_tier = "realtime"
  }
}

run "async" {
  variables {
    mask_tier = "async"
  }
}

run "lambda" {
  variables {
    mask_tier = "lambda"
  }
}
