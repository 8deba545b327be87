# An environment's values are in environments/<name>.tfvars. What belongs in no repository (addresses, a domain, account
# numbers) is in environments/<name>.private.tfvars, which git ignores, or comes as TF_VAR_<variable>.

# Where it runs

variable "environment" {
  description = "The environment's name; every resource is named after it."
  type        = string

  validation {
    # 16 characters keep the longest bucket name, with account and region, within S3's 63.
    condition     = can(regex("^[a-z][a-z0-9-]{0,14}[a-z0-9]$", var.environment))
    error_message = "The environment is 2 to 16 lower-case letters, digits and hyphens, and starts with a letter."
  }
}

variable "region" {
  description = "The AWS region."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region looks like us-east-1."
  }
}

variable "allowed_account_ids" {
  description = "Accounts that the environment may be deployed to, so that credentials of another one do no harm. Null: any."
  type        = list(string)
  default     = null

  validation {
    condition     = var.allowed_account_ids == null || alltrue([for account in coalesce(var.allowed_account_ids, []) : can(regex("^[0-9]{12}$", account))])
    error_message = "An account's number has 12 digits."
  }
}

variable "tags" {
  description = "Tags of every resource, beside Project, Environment and ManagedBy, such as a cost centre."
  type        = map(string)
  default     = {}
}

variable "s3_use_path_style" {
  description = "Address buckets by path instead of by host name. An emulator on 127.0.0.1 has no host name a bucket."
  type        = bool
  default     = false
}

variable "protect_data" {
  description = "Refuse to destroy buckets that hold objects, and the table. Only environments made to be thrown away set it to false."
  type        = bool
  default     = true
}

variable "bucket_lifecycle" {
  description = "Give the buckets their lifecycle rules. Where nothing carries them out (an emulator), leaving them out saves the provider's wait of a minute for them to settle."
  type        = bool
  default     = true
}

# The functions

variable "build_dir" {
  description = "Folder of functions.zip, layer-core.zip and layer-imaging.zip, absolute or from this folder."
  type        = string
  default     = "../.build/aws"

  validation {
    condition = alltrue([
      for archive in ["functions.zip", "layer-core.zip", "layer-imaging.zip"] : fileexists("${var.build_dir}/${archive}")
    ])
    error_message = "There is no functions.zip, layer-core.zip or layer-imaging.zip in ${var.build_dir}. Run `make build` first."
  }
}

variable "lambda_runtime" {
  description = "Runtime of the functions. provided.al2023 runs the archive's own bootstrap."
  type        = string
  default     = "python3.13"

  validation {
    condition     = contains(["python3.13", "provided.al2023"], var.lambda_runtime)
    error_message = "The runtime is python3.13 or provided.al2023."
  }
}

variable "lambda_architecture" {
  description = "Processor architecture of the functions; the archives must be built for it."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.lambda_architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "function_environment" {
  description = "Environment variables of every function beside its own, such as AWS_ENDPOINT_URL."
  type        = map(string)
  default     = {}
}

variable "tracing" {
  description = "Send X-Ray traces of the state machine with the functions that it calls, and of the API's function (an HTTP API itself has none): of the first in each second, and of 5 % of the others. An emulator does not know it."
  type        = bool
  default     = true
}

variable "log_level" {
  description = "The least severe level that the functions log."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "The log level is DEBUG, INFO, WARNING or ERROR."
  }
}

variable "log_retention_days" {
  description = "Days that every log group keeps its events."
  type        = number
  default     = 30

  validation {
    # CloudWatch takes these periods only. 0 would mean for ever, and is left out on purpose.
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}

# What is taken, made and kept

variable "intake" {
  description = "Which uploads are taken: largest file in bytes, most pixels, most frames, and formats as Pillow names them."
  type = object({
    max_size_bytes   = optional(number, 52428800)
    max_pixels       = optional(number, 50000000)
    max_frames       = optional(number, 100)
    accepted_formats = optional(list(string), ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
  })
  default = {}

  validation {
    condition     = var.intake.max_size_bytes >= 1 && var.intake.max_size_bytes <= 104857600
    error_message = "max_size_bytes is from 1 byte to 100 MiB."
  }

  validation {
    # The memory of validate_image and apply_mask is measured for this many pixels.
    condition     = var.intake.max_pixels >= 1 && var.intake.max_pixels <= 50000000
    error_message = "max_pixels is from 1 to 50 million."
  }

  validation {
    condition     = var.intake.max_frames >= 1 && var.intake.max_frames <= 1000
    error_message = "max_frames is from 1 to 1000."
  }

  validation {
    condition = length(var.intake.accepted_formats) > 0 && length(
      setsubtract(var.intake.accepted_formats, ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
    ) == 0
    error_message = "accepted_formats are some of JPEG, PNG, WEBP, AVIF, TIFF, BMP and GIF."
  }
}

variable "proxy_max_side" {
  description = "Longest side, in pixels, of the proxy that the mask and the analysis are made from."
  type        = number
  default     = 2000

  validation {
    # Rekognition takes sides up to 10,000 px, and a SageMaker request is best kept under 5 MB.
    condition     = var.proxy_max_side >= 256 && var.proxy_max_side <= 4096
    error_message = "proxy_max_side is from 256 to 4096 pixels."
  }
}

variable "default_options" {
  description = "What is made of a picture where its owner asks for nothing else: the options of POST /upload-url, with the same names. What is not set here either is as the API's document says."
  type = object({
    model      = optional(string)
    outputs    = optional(list(string))
    formats    = optional(list(string))
    crop       = optional(object({ margin = optional(number) }))
    background = optional(string)
    shadow = optional(object({
      opacity  = optional(number)
      blur     = optional(number)
      offset_x = optional(number)
      offset_y = optional(number)
    }))
    thumbnail_sizes = optional(list(object({
      width  = number
      height = number
      fit    = optional(string)
    })))
  })
  default = {}

  validation {
    condition     = var.default_options.model == null || can(regex("^[a-z0-9][a-z0-9_.-]{0,63}$", var.default_options.model))
    error_message = "model is 1 to 64 of a to z, 0 to 9, _, . and -, and begins with a letter or digit."
  }

  validation {
    condition     = var.default_options.model == null || try(contains(local.models, var.default_options.model), false)
    error_message = "model is the one that the container serves: MASK_ENGINE in inference_environment, or matteflow."
  }

  validation {
    condition = var.default_options.outputs == null || try(
      length(var.default_options.outputs) > 0 && length(distinct(var.default_options.outputs)) == length(var.default_options.outputs) &&
      length(setsubtract(var.default_options.outputs, ["cutout", "matte", "matte_preview", "composite"])) == 0,
      false
    )
    error_message = "outputs are some of cutout, matte, matte_preview and composite, each once."
  }

  validation {
    condition = var.default_options.formats == null || try(
      length(var.default_options.formats) > 0 && length(distinct(var.default_options.formats)) == length(var.default_options.formats) &&
      length(setsubtract(var.default_options.formats, ["png", "webp", "webp_lossy", "avif"])) == 0,
      false
    )
    error_message = "formats are some of png, webp, webp_lossy and avif, each once."
  }

  validation {
    condition     = try(var.default_options.crop.margin >= 0 && var.default_options.crop.margin <= 50, true)
    error_message = "crop.margin is from 0 to 50 percent."
  }

  validation {
    # Another picture's image_id is one owner's to ask for, and no default.
    condition     = var.default_options.background == null || can(regex("^(#[0-9a-fA-F]{6}|blur)$", var.default_options.background))
    error_message = "background is a colour such as #1e90ff, or blur."
  }

  validation {
    condition = alltrue([
      try(var.default_options.shadow.opacity >= 0 && var.default_options.shadow.opacity <= 100, true),
      try(var.default_options.shadow.blur >= 0 && var.default_options.shadow.blur <= 25, true),
      try(abs(var.default_options.shadow.offset_x) <= 50, true),
      try(abs(var.default_options.shadow.offset_y) <= 50, true),
    ])
    error_message = "In percent, shadow.opacity is from 0 to 100, shadow.blur from 0 to 25, each offset from -50 to 50."
  }

  validation {
    condition = var.default_options.thumbnail_sizes == null || try(
      length(var.default_options.thumbnail_sizes) >= 1 && length(var.default_options.thumbnail_sizes) <= 10 &&
      length(distinct([for size in var.default_options.thumbnail_sizes : merge(size, { fit = coalesce(size.fit, "contain") })])) == length(var.default_options.thumbnail_sizes),
      false
    )
    error_message = "There are 1 to 10 thumbnail_sizes, each once."
  }

  validation {
    condition = try(alltrue([
      for side in flatten([for size in var.default_options.thumbnail_sizes : [size.width, size.height]]) :
      side >= 16 && side <= 4096 && floor(side) == side
    ]), true)
    error_message = "A thumbnail's width and height are whole numbers from 16 to 4096 pixels."
  }

  validation {
    condition = try(alltrue([
      for size in var.default_options.thumbnail_sizes : contains(["contain", "cover", "focal"], coalesce(size.fit, "contain"))
    ]), true)
    error_message = "A thumbnail's fit is contain, cover or focal."
  }
}

variable "analysis" {
  description = "What Rekognition is asked for: most labels, least confidence of labels and of moderation verdicts in percent, and the moderation categories that block a picture."
  type = object({
    max_labels                = optional(number, 100)
    label_min_confidence      = optional(number, 55)
    moderation_min_confidence = optional(number, 60)
    blocked_moderation        = optional(list(string), ["Explicit", "Violence", "Visually Disturbing", "Hate Symbols"])
  })
  default = {}

  validation {
    condition     = var.analysis.max_labels >= 1 && var.analysis.max_labels <= 100
    error_message = "max_labels is from 1 to 100: a record has to stay small."
  }

  validation {
    condition = alltrue([
      for percent in [var.analysis.label_min_confidence, var.analysis.moderation_min_confidence] : percent >= 0 && percent <= 100
    ])
    error_message = "A confidence is from 0 to 100."
  }
}

variable "confidence_threshold" {
  description = "Confidence of a mask, in percent, below which a person is asked to look at the result."
  type        = number
  default     = 80

  validation {
    condition     = var.confidence_threshold >= 0 && var.confidence_threshold <= 100
    error_message = "The confidence threshold is from 0 to 100."
  }
}

variable "reconcile_schedule" {
  description = "How often pictures are looked for whose upload, or whose execution's end, nobody noticed: a schedule expression of EventBridge, or null for never."
  type        = string
  default     = "rate(15 minutes)"

  validation {
    condition     = var.reconcile_schedule == null || can(regex("^(rate|cron)\\(.+\\)$", var.reconcile_schedule))
    error_message = "A schedule looks like rate(15 minutes) or cron(0 * * * ? *)."
  }
}

variable "lifetimes" {
  description = "How long things live: a record and its outputs, and a record whose upload never came, in days; signed URLs of uploads and of results, in seconds."
  type = object({
    record_days          = optional(number, 90)
    awaiting_upload_days = optional(number, 1)
    upload_url_s         = optional(number, 900)
    result_url_s         = optional(number, 900)
  })
  default = {}

  validation {
    condition     = var.lifetimes.awaiting_upload_days >= 1 && var.lifetimes.record_days >= var.lifetimes.awaiting_upload_days
    error_message = "A record lives at least a day, and no shorter than one that awaits its upload."
  }

  validation {
    # A signed URL ends with the role session that signed it, and a Lambda session may end within the hour.
    condition = alltrue([
      for seconds in [var.lifetimes.upload_url_s, var.lifetimes.result_url_s] : seconds >= 60 && seconds <= 3600
    ])
    error_message = "A signed URL lives from 60 to 3600 seconds."
  }
}

# Who uses it

variable "edge" {
  description = "Serve the dashboard, the API below its /api, and the results over CloudFront."
  type        = bool
  default     = true
}

variable "firewall" {
  description = "Have AWS WAF stand before CloudFront. It costs about 9 USD a month while nothing happens."
  type        = bool
  default     = true
}

variable "domain" {
  description = "Names of one's own: of the site, of the results (another one), and the certificate for both in us-east-1. With zone_id, a hosted zone of Route 53, their records are made too. Null: CloudFront's own names."
  type = object({
    site            = string
    results         = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null

  validation {
    condition = var.domain == null || try(alltrue([
      for name in [var.domain.site, var.domain.results] : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", name))
    ]), false)
    error_message = "A name looks like photos.example.org."
  }

  validation {
    condition     = var.domain == null || try(var.domain.site != var.domain.results, false)
    error_message = "The results have a name of their own: files that people made are never of the dashboard's origin."
  }

  validation {
    condition     = var.domain == null || can(regex("^arn:[a-z-]+:acm:us-east-1:[0-9]{12}:certificate/.+$", var.domain.certificate_arn))
    error_message = "CloudFront takes a certificate of ACM in us-east-1 only."
  }
}

variable "price_class" {
  description = "From where CloudFront serves: PriceClass_100 is North America, Europe and Israel; PriceClass_200 adds Asia, Africa and the Middle East; PriceClass_All is everywhere."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "The price class is PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "requests_per_ip" {
  description = "Requests in 5 minutes above which the firewall holds an address up. A page of the gallery is about 100; an office shares one address."
  type        = number
  default     = 3000

  validation {
    condition     = var.requests_per_ip >= 10 && var.requests_per_ip <= 2000000000
    error_message = "WAF counts from 10 to 2,000,000,000 requests."
  }
}

variable "cors_origins" {
  description = "Origins beside the site's own whose pages may call the API and upload, such as http://localhost:5173."
  type        = list(string)
  default     = []

  validation {
    condition     = var.edge || length(var.cors_origins) > 0
    error_message = "Without an edge there is at least one origin."
  }

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[^/*]+$", origin))])
    error_message = "An origin is a scheme and a host without a path; * is not one."
  }
}

variable "auth" {
  description = "Who may call the API: cognito, people who have signed in, each of whom sees their own pictures; none, whoever knows its address."
  type        = string
  default     = "cognito"

  validation {
    condition     = contains(["none", "cognito"], var.auth)
    error_message = "auth is none or cognito."
  }
}

variable "require_mfa" {
  description = "Have everybody sign in with a code of an authenticator app beside the password; they set it up when they first sign in."
  type        = bool
  default     = false
}

variable "self_sign_up" {
  description = "Let people make their own accounts. Without it they are invited: make user ENV=... EMAIL=..."
  type        = bool
  default     = false
}

variable "user_groups" {
  description = "Groups of people, and how many pictures a day (UTC) each of them may upload; null: any number. Of several groups the largest number counts."
  type        = map(object({ pictures_per_day = optional(number) }))
  default     = {}

  validation {
    # API Gateway hands the groups on as one text, with spaces between them.
    condition     = alltrue([for name in keys(var.user_groups) : can(regex("^[A-Za-z0-9_-]{1,128}$", name))])
    error_message = "A group's name is 1 to 128 letters, digits, _ and -."
  }

  validation {
    condition = alltrue([
      for group in values(var.user_groups) : try(group.pictures_per_day >= 1 && floor(group.pictures_per_day) == group.pictures_per_day, group.pictures_per_day == null)
    ])
    error_message = "pictures_per_day is a whole number from 1, or null for any number."
  }
}

variable "pictures_per_day" {
  description = "How many pictures a day (UTC) one may upload who is in no group; null: any number."
  type        = number
  default     = null

  validation {
    condition     = var.pictures_per_day == null || try(var.pictures_per_day >= 1 && floor(var.pictures_per_day) == var.pictures_per_day, false)
    error_message = "pictures_per_day is a whole number from 1, or null for any number."
  }
}

variable "sign_in_url_override" {
  description = "URL of the sign-in pages where they are not Cognito's own."
  type        = string
  default     = null
}

variable "api_throttle" {
  description = "Requests a second that the API takes on average (rate) and at once (burst)."
  type = object({
    rate  = optional(number, 50)
    burst = optional(number, 100)
  })
  default = {}

  validation {
    condition     = var.api_throttle.rate >= 1 && var.api_throttle.burst >= 1
    error_message = "Rate and burst are at least 1: with 0 the API refuses everything."
  }
}

variable "api_url_override" {
  description = "URL of the API where it is not API Gateway's own; {api_id} in it is replaced by the API's id."
  type        = string
  default     = null
}

variable "dashboard_url" {
  description = "Where the dashboard is served, such as https://photos.example.org; notices link to it. Null: the site's own address or, without an edge, the API's."
  type        = string
  default     = null

  validation {
    condition     = var.dashboard_url == null || can(regex("^https?://[^/]+(/.*[^/])?$", var.dashboard_url))
    error_message = "The dashboard's address is a URL without a slash at its end."
  }
}

variable "notification_emails" {
  description = "E-mail addresses that get every notice; each must confirm first. They belong in environments/<name>.private.tfvars."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.notification_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "Each is an e-mail address."
  }
}

variable "alarm_emails" {
  description = "E-mail addresses that hear of what went wrong; each must confirm first. Without any there are no alarms. They belong in environments/<name>.private.tfvars."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "Each is an e-mail address."
  }
}

variable "mask_latency_alarm_s" {
  description = "Seconds above which one mask of 20 is an alarm. Measure what yours take: it depends on the model and on where it runs."
  type        = number
  default     = 10

  validation {
    condition     = var.mask_latency_alarm_s > 0 && var.mask_latency_alarm_s <= 60
    error_message = "The limit is above 0 s, and at most 60 s: no mask is waited for any longer."
  }
}

variable "metrics_dashboard" {
  description = "Make the dashboard of the metrics in CloudWatch. An emulator has no graphs."
  type        = bool
  default     = true
}

variable "monthly_budget_usd" {
  description = "What a month of this environment may cost, in USD: alarm_emails hear at 80 % of it, and once it is forecast to be reached. Null: no budget. The account's owner has to activate the tags Project and Environment for cost allocation."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null || try(var.monthly_budget_usd > 0, false)
    error_message = "A budget is above 0 USD."
  }

  validation {
    condition     = var.monthly_budget_usd == null || (length(var.alarm_emails) >= 1 && length(var.alarm_emails) <= 10)
    error_message = "A budget tells 1 to 10 alarm_emails."
  }
}

variable "audit_trail" {
  description = "Keep for a year, by CloudTrail and in a bucket of its own, who read, wrote or deleted which object of a picture."
  type        = bool
  default     = false
}

# What makes the masks

variable "mask_tier" {
  description = "What the inference image runs as: realtime, an endpoint that is always on; async, one that scales to zero and takes minutes to wake up; lambda, a function on the CPU."
  type        = string
  default     = "realtime"

  validation {
    condition     = contains(["realtime", "async", "lambda"], var.mask_tier)
    error_message = "The mask tier is realtime, async or lambda."
  }

  validation {
    # A function's answer holds 6 MB: as base64, the mask of the largest proxy is within it, however badly it compresses.
    condition     = var.mask_tier != "lambda" || var.proxy_max_side <= 2048
    error_message = "In the tier lambda proxy_max_side is at most 2048: a larger mask may not fit a function's answer."
  }

  validation {
    condition     = var.mask_tier != "lambda" || var.inference_image_uri == null || strcontains(coalesce(var.inference_image_uri, "-"), ".dkr.ecr.${var.region}.")
    error_message = "In the tier lambda the image is in an ECR repository of the function's own region: push it there, and set inference_image_uri."
  }
}

variable "inference_function_memory_mb" {
  description = "Memory of the inference function (mask_tier lambda) in MB, which its share of processors grows with. Accounts start with a limit of 3008."
  type        = number
  default     = 3008

  validation {
    condition     = var.inference_function_memory_mb >= 1024 && var.inference_function_memory_mb <= 10240
    error_message = "The memory of the inference function is from 1024 to 10240 MB."
  }
}

variable "inference_concurrency" {
  description = "Requests that an instance of the asynchronous endpoint is sent at once. The container itself takes 17 and batches them."
  type        = number
  default     = 8

  validation {
    condition     = var.inference_concurrency >= 1 && var.inference_concurrency <= 17
    error_message = "An instance is sent from 1 to 17 requests at once."
  }
}

variable "inference_backlog_per_instance" {
  description = "Waiting requests an instance of the asynchronous endpoint above which auto scaling adds one."
  type        = number
  default     = 20

  validation {
    condition     = var.inference_backlog_per_instance >= 1
    error_message = "There is at least one waiting request."
  }
}

variable "inference_ami_version" {
  description = "The image of the endpoint's instances, which brings the NVIDIA driver: CUDA 12 wants more than the default of ml.g4dn. Instances without a GPU have their default."
  type        = string
  default     = "al2-ami-sagemaker-inference-gpu-2-1"
}

variable "inference_image_uri" {
  description = "An image built from inference_image/ that lies in an ECR repository of your own: <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>. Null: the one that `make image` puts into the environment's repository."
  type        = string
  default     = null

  validation {
    condition     = var.inference_image_uri == null || can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com/[^:@]+[:@].+$", var.inference_image_uri))
    error_message = "SageMaker takes an image from ECR only, here with a tag or a digest."
  }
}

variable "inference_image_tag" {
  description = "The digest of what the image is made of, as `python -m scripts.image tag` tells it; `make plan` and `make deploy` give it."
  type        = string
  default     = null

  validation {
    condition     = var.inference_image_uri != null || can(regex("^[0-9a-f]{16}$", var.inference_image_tag))
    error_message = "Which inference image? Run `make image ENV=${var.environment}`, which `make deploy` does, and set inference_image_tag to the digest that it tells; or name an image of your own as inference_image_uri."
  }
}

variable "inference_environment" {
  description = "Environment variables of the inference container, such as MASK_ENGINE and REQUIRED_PROVIDER."
  type        = map(string)
  default     = {}

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_.-]{0,63}$", lookup(var.inference_environment, "MASK_ENGINE", "matteflow")))
    error_message = "MASK_ENGINE is 1 to 64 of a to z, 0 to 9, _, . and -, and begins with a letter or digit."
  }

  validation {
    condition     = !contains(["sam", "sam.onnx"], lookup(var.inference_environment, "MASK_ENGINE", "matteflow"))
    error_message = "Segment Anything (sam) has to be told what to find in a picture, which no upload says. Set MASK_ENGINE to a model that needs no prompt."
  }
}

variable "inference_weights" {
  description = "Where in S3 the container finds weights that its image does not hold: the bucket, the prefix of the keys, and the SHA-256 that they must have, as `make endpoint DO=publish` tells it. Without it, a model of rembg's must be what rembg publishes."
  type = object({
    bucket = string
    prefix = string
    sha256 = optional(string)
  })
  default = null

  validation {
    condition     = try(var.inference_weights.sha256, null) == null || can(regex("^[0-9a-f]{64}$", var.inference_weights.sha256))
    error_message = "A SHA-256 is 64 hexadecimal digits."
  }
}

variable "inference_instance_type" {
  description = "Instance type of the endpoint, x86. Those without a GPU run the image without CUDA; ml.c7i and ml.m7i compute in bfloat16."
  type        = string
  default     = "ml.g4dn.xlarge"

  validation {
    condition     = can(regex("^ml\\.[a-z0-9-]+\\.[a-z0-9]+$", var.inference_instance_type))
    error_message = "A SageMaker instance type looks like ml.g4dn.xlarge."
  }

  validation {
    condition     = !can(regex("^ml\\.[a-z]+[0-9]+g", var.inference_instance_type))
    error_message = "The inference image is built for x86, and this is a Graviton instance. Choose one such as ml.c7i.xlarge."
  }
}

variable "inference_instances" {
  description = "Fewest and most instances of the endpoint. Fewest is 1, and 0 where mask_tier is async, so that an idle one costs nothing. Auto scaling exists only where most is above fewest."
  type = object({
    min = optional(number)
    max = optional(number, 2)
  })
  default = {}

  validation {
    condition     = coalesce(var.inference_instances.min, 1) >= (var.mask_tier == "async" ? 0 : 1)
    error_message = "There is at least one instance; only where mask_tier is async min may be 0."
  }

  validation {
    condition     = var.inference_instances.max >= max(coalesce(var.inference_instances.min, 1), 1)
    error_message = "max is at least 1, and not below min."
  }
}

variable "inference_invocations_per_minute" {
  description = "Requests a minute and instance at which auto scaling adds an instance."
  type        = number
  default     = 200

  validation {
    condition     = var.inference_invocations_per_minute >= 1
    error_message = "There is at least one request a minute."
  }
}

# Who deploys it

variable "delivery" {
  description = "Who deploys beside a person: none; github, GitHub Actions by the roles that this makes; codepipeline, a pipeline of the account's own. A person applies a change of this, and of what a deployment may do."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "github", "codepipeline"], var.delivery)
    error_message = "The delivery is none, github or codepipeline."
  }
}

variable "repository" {
  description = "The repository at GitHub that is deployed: owner/name."
  type        = string
  default     = null

  validation {
    condition     = var.delivery == "none" || can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "Whose pushes are deployed? Set repository to owner/name."
  }
}

variable "github_provider_exists" {
  description = "Whether the account has GitHub's identity provider already. It can hold one: the first environment makes it, every other sets this to true."
  type        = bool
  default     = false
}
