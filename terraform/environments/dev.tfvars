# An account for trying things out. The inference image's address names that account, so it is given as
# TF_VAR_inference_image_uri.
environment  = "dev"
protect_data = false

cors_origins = ["http://localhost:5173"]

log_retention_days  = 7
inference_instances = { max = 1 }
