# One machine, no account: applied to an emulator. What depends on the machine (endpoints, addresses, the processor's
# architecture) comes as TF_VAR_... from whoever starts it.
environment       = "local"
s3_use_path_style = true
protect_data      = false
bucket_lifecycle  = false
tracing           = false
metrics_dashboard = false
edge              = false
build_dir         = "../.build/local"
lambda_runtime    = "provided.al2023"

# The emulator keeps the endpoint's description only and fetches no image; it has no auto scaling.
inference_image_uri   = "000000000000.dkr.ecr.us-east-1.amazonaws.com/matteflow-inference:local"
inference_instances   = { min = 1, max = 1 }
inference_ami_version = null
