# An account for trying things out.
environment  = "dev"
protect_data = false

cors_origins = ["http://localhost:5173"]

log_retention_days  = 7
inference_instances = { max = 1 }
