"""The three buckets, as Terraform makes them."""

import boto3
from mypy_boto3_s3 import S3Client

UPLOADS_BUCKET = "matteflow-test-uploads"
MASKS_BUCKET = "matteflow-test-masks"
RESULTS_BUCKET = "matteflow-test-results"


def make_buckets() -> S3Client:
    """Make them; a client to use them by. Uploads are versioned."""
    client = boto3.client("s3")
    for bucket in (UPLOADS_BUCKET, MASKS_BUCKET, RESULTS_BUCKET):
        client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=UPLOADS_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client
