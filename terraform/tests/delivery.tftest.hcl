# Where the inference image comes from, and who deploys.

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
  inference_image_tag = "0123456789abcdef"
  repository          = "example/matteflow"
}

run "an_image_of_the_environments_own_repository" {
  assert {
    condition = (
      aws_sagemaker_model.inference[0].primary_container[0].image == "123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow-test-inference:inference-gpu-0123456789abcdef" &&
      output.inference_image.requirements == "inference-gpu"
    )
    error_message = "An endpoint runs the image for the GPU, of the tag that was given."
  }

  assert {
    condition     = local.inference_repository_arn == "arn:aws:ecr:us-east-1:123456789012:repository/matteflow-test-inference"
    error_message = "The endpoint's role pulls from it."
  }

  assert {
    condition = (
      aws_ecr_repository.inference[0].image_tag_mutability == "IMMUTABLE" &&
      aws_ecr_repository.inference[0].image_scanning_configuration[0].scan_on_push &&
      !aws_ecr_repository.inference[0].force_delete
    )
    error_message = "A tag is never moved, an image is scanned, and a protected environment keeps its images."
  }

  assert {
    condition     = length(aws_iam_role.delivery) == 0 && length(aws_iam_policy.boundary) == 0 && aws_iam_role.function["api"].permissions_boundary == null
    error_message = "Unless it is asked for, nobody but a person deploys."
  }
}

run "the_image_of_an_endpoint_without_a_gpu" {
  variables {
    inference_instance_type = "ml.c7i.xlarge"
  }

  assert {
    condition = (
      aws_sagemaker_model.inference[0].primary_container[0].image == "123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow-test-inference:inference-0123456789abcdef" &&
      output.inference_image.requirements == "inference" &&
      aws_sagemaker_endpoint_configuration.inference[0].production_variants[0].inference_ami_version == null
    )
    error_message = "It runs the image for the CPU, and needs no driver."
  }

  assert {
    condition     = alltrue([for line in local.use_graph.lines : strcontains(line.label, "GPU") == false])
    error_message = "Its dashboard shows what it has."
  }
}

run "the_image_of_a_function" {
  variables {
    delivery               = "github"
    github_provider_exists = true

    mask_tier    = "lambda"
    protect_data = false
  }

  assert {
    condition     = aws_lambda_function.inference[0].image_uri == "123456789012.dkr.ecr.us-east-1.amazonaws.com/matteflow-test-inference:inference-0123456789abcdef"
    error_message = "A function runs the image for the CPU."
  }

  assert {
    condition = (
      toset(data.aws_iam_policy_document.repository[0].statement[0].actions) == toset(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]) &&
      one(data.aws_iam_policy_document.repository[0].statement[0].condition).values == tolist(["arn:aws:lambda:us-east-1:123456789012:function:matteflow-test-inference"])
    )
    error_message = "Lambda may pull for our function only."
  }

  assert {
    condition     = aws_ecr_repository.inference[0].force_delete
    error_message = "An environment made to be thrown away takes its images with it."
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && length(aws_iam_role.delivery) == 2
    error_message = "An account holds GitHub's provider once."
  }
}

run "an_image_of_ones_own" {
  command = plan

  variables {
    inference_image_tag = null
    inference_image_uri = "210987654321.dkr.ecr.us-east-1.amazonaws.com/masks:7"
    inference_weights   = { bucket = "weights", prefix = "models/", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
  }

  assert {
    condition = (
      length(aws_ecr_repository.inference) == 0 && output.inference_image.repository == null &&
      aws_sagemaker_model.inference[0].primary_container[0].image == var.inference_image_uri
    )
    error_message = "An image that is named needs no repository."
  }

  assert {
    condition     = aws_sagemaker_model.inference[0].primary_container[0].environment["MODEL_SHA256"] == var.inference_weights.sha256
    error_message = "The container is told what its weights must hash to."
  }
}

run "no_image" {
  command = plan

  variables {
    inference_image_tag = null
  }

  expect_failures = [var.inference_image_tag]
}

run "whose_pushes" {
  command = plan

  variables {
    delivery          = "github"
    repository        = null
    inference_weights = { bucket = "weights", prefix = "models/", sha256 = "abc" }
  }

  expect_failures = [var.repository, var.inference_weights]
}

run "github" {
  variables {
    delivery = "github"
  }

  assert {
    condition     = toset(keys(output.delivery_roles)) == toset(["deploy", "plan"]) && length(aws_codepipeline.delivery) == 0
    error_message = "GitHub plans by one role and deploys by another."
  }

  assert {
    condition = alltrue([
      for role, sub in { deploy = "repo:example/matteflow:environment:test", plan = "repo:example/matteflow:environment:test-plan" } :
      data.aws_iam_policy_document.delivery_trust[role].statement[0].actions == toset(["sts:AssumeRoleWithWebIdentity"]) &&
      one(data.aws_iam_policy_document.delivery_trust[role].statement[0].principals).identifiers == toset(["arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"]) &&
      { for condition in data.aws_iam_policy_document.delivery_trust[role].statement[0].condition : "${condition.test} ${condition.variable}" => one(condition.values) } == {
        "StringEquals token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "StringEquals token.actions.githubusercontent.com:sub" = sub
      }
    ])
    error_message = "A role is for jobs of this repository in its own environment, and for nobody else."
  }

  assert {
    condition     = toset([for name, role in aws_iam_role.function : role.permissions_boundary]) == toset([aws_iam_policy.boundary[0].arn]) && aws_iam_role.process_image.permissions_boundary == aws_iam_policy.boundary[0].arn
    error_message = "What a deployment makes has the boundary."
  }

  assert {
    condition     = !anytrue([for resource in flatten(values(local.named)) : can(regex("matteflow-test[^-/]", resource))])
    error_message = "A deployment reaches no environment whose name only begins with its own's."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.deploy_identities.statement :
      statement.resources == toset(["arn:aws:iam::123456789012:role/matteflow-test-us-east-1-*"]) &&
      { for condition in statement.condition : condition.variable => one(condition.values) } == { "iam:PermissionsBoundary" = "arn:aws:iam::123456789012:policy/matteflow-test-us-east-1-boundary" }
      if contains(statement.actions, "iam:CreateRole")
    ])
    error_message = "A deployment makes roles of this environment only, and none without the boundary."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.deploy_identities.statement :
      statement.resources != toset(["*"]) && one(statement.condition).variable == "iam:PassedToService"
      if contains(statement.actions, "iam:PassRole") && statement.effect != "Deny"
    ])
    error_message = "A deployment passes on its own roles only, and to the services that run here."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.deploy_identities.statement : statement.resources if statement.effect == "Deny"
    ])) == toset(["arn:aws:iam::123456789012:role/matteflow-test-us-east-1-deploy", "arn:aws:iam::123456789012:role/matteflow-test-us-east-1-plan"])
    error_message = "A deployment cannot change its own roles."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.plan.statement : [
        for action in statement.actions : can(regex("^[a-z0-9-]+:(BatchGet|Describe|Get|GET$|List|Validate|View)", action)) || endswith(one(statement.resources), ".tflock")
      ]
    ]))
    error_message = "A plan writes its lock and nothing else."
  }
}

run "codepipeline" {
  variables {
    delivery = "codepipeline"
  }

  assert {
    condition     = aws_codepipeline.delivery[0].stage[*].name == tolist(["Source", "Check", "Approve", "Deploy"])
    error_message = "A protected environment is deployed once it is checked and a person has said yes."
  }

  assert {
    condition     = strcontains(aws_codebuild_project.build["deploy"].source[0].buildspec, "make deploy ENV=test") && strcontains(aws_codebuild_project.build["check"].source[0].buildspec, "make check")
    error_message = "The pipeline runs the Makefile's targets."
  }

  assert {
    condition     = aws_codebuild_project.build["deploy"].environment[0].privileged_mode && !aws_codebuild_project.build["check"].environment[0].privileged_mode
    error_message = "Only what builds the image is privileged."
  }

  assert {
    condition     = toset([for policy in aws_iam_role_policy.deploy : policy.role]) == toset([aws_iam_role.delivery["deploy"].id]) && length(aws_iam_role_policy.plan) == 0
    error_message = "Only the deployment may change what is deployed."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.delivery_trust :
      one(document.statement[0].condition).variable == "aws:SourceAccount"
    ])
    error_message = "A service takes a role for this account only."
  }
}

run "codepipeline_without_protection" {
  command = plan

  variables {
    delivery     = "codepipeline"
    protect_data = false
  }

  assert {
    condition     = aws_codepipeline.delivery[0].stage[*].name == tolist(["Source", "Check", "Deploy"])
    error_message = "An environment made to be thrown away waits for nobody."
  }
}
