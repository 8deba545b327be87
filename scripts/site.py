"""Publish the dashboard's pages: ``python -m scripts.site --env NAME``, after ``make dashboard``.

Every page that is open keeps finding the files it was built with: new files come before the page that names them, and
those that no page names any more stay for a month.
"""

import argparse
import json
import mimetypes
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from rich.console import Console

from scripts.build import PROJECT, files_of
from scripts.deployment import Deployment, DeploymentError, add_deployment, chosen_deployment

PAGES = PROJECT / "frontend_react" / "dist"
ASSETS = "assets/"  # Vite puts a digest of the content into each name there
FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"
LAST = ("index.html", "config.json")
UNUSED_SINCE = "unused-since"
KEPT_UNUSED = timedelta(days=30)
# What a machine's own list of types may lack, or name differently; browsers are told not to guess.
CONTENT_TYPES = {".js": "text/javascript", ".map": "application/json", ".woff2": "font/woff2"}


class SiteError(Exception):
    """The pages cannot be published; the message says what to do."""


def publish(deployment: Deployment, environment: str, console: Console, pages: Path = PAGES) -> None:
    """Upload the pages and the environment's ``config.json``, and have CloudFront forget what it replaced.

    Args:
        environment: its name, for what a person is told. Without an edge that is all that is done.
        pages: the folder that ``make dashboard`` builds.

    Raises:
        SiteError: there is nothing to publish, or AWS refuses.
    """
    bucket = deployment.outputs.get("site_bucket")
    if bucket is None:
        console.print(
            f"The environment {environment} has no site to publish to: edge is false in its variables. Set it to true "
            "and deploy; or serve frontend_react/dist with any web server that answers unknown paths with index.html, "
            f"after scripts/update-frontend-config.sh {environment}."
        )
        return
    if not (pages / "index.html").is_file():
        raise SiteError(f"There are no pages in {pages}. Build them with: make dashboard")
    files = {path.relative_to(pages).as_posix(): path.read_bytes() for path in files_of(pages)}
    files["config.json"] = json.dumps(config(deployment.outputs), indent=2).encode()
    try:
        _upload(deployment.client("s3"), bucket, files, console)
        _retire(deployment.client("s3"), bucket, files, datetime.now(UTC))
        _invalidate(deployment, [f"/{name}" for name in sorted(files) if not name.startswith(ASSETS)], console)
    except (BotoCoreError, ClientError, WaiterError) as error:
        raise SiteError(f"The pages are not all published: {error}. Run make site again.") from error
    console.print(f"Published {len(files)} files: {deployment.outputs.get('dashboard_url') or f's3://{bucket}'}")


def config(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the pages have to know of the environment: where its API is, and how people sign in (None: not at all)."""
    return {"api_url": outputs["api_url"], "sign_in": outputs.get("sign_in")}


def _upload(s3: Any, bucket: str, files: Mapping[str, bytes], console: Console) -> None:
    """A page never comes before what it names."""
    order = sorted(files, key=lambda name: (name in LAST, not name.startswith(ASSETS), name))
    with console.status("Uploading the pages") as status:
        for count, name in enumerate(order, 1):
            status.update(f"Uploading the pages: {count} of {len(order)}, {name}")
            s3.put_object(
                Bucket=bucket,
                Key=name,
                Body=files[name],
                ContentType=_content_type(name),
                CacheControl=FOR_EVER if name.startswith(ASSETS) else ASK_EACH_TIME,
            )


def _content_type(name: str) -> str:
    return CONTENT_TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _retire(s3: Any, bucket: str, files: Iterable[str], now: datetime) -> None:
    """Mark the assets that are not of these pages, and delete those marked a month ago. An upload takes a mark off."""
    unused = [
        found["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=ASSETS)
        for found in page.get("Contents", [])
        if found["Key"] not in files
    ]
    for key in unused:
        tags = {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}
        if since := tags.get(UNUSED_SINCE):
            if now - datetime.fromisoformat(since) > KEPT_UNUSED:
                s3.delete_object(Bucket=bucket, Key=key)
        else:
            tag = {"Key": UNUSED_SINCE, "Value": now.isoformat(timespec="seconds")}
            s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": [tag]})


def _invalidate(deployment: Deployment, paths: list[str], console: Console) -> None:
    """Have CloudFront ask for these paths anew, and wait until it does everywhere."""
    cloudfront = deployment.client("cloudfront")
    distribution = deployment.outputs["site_distribution_id"]
    items = ["/", *paths]
    made = cloudfront.create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={
            "Paths": {"Quantity": len(items), "Items": items},
            "CallerReference": datetime.now(UTC).isoformat(),
        },
    )
    with console.status("Waiting for CloudFront to forget the old pages (a minute or two)"):
        cloudfront.get_waiter("invalidation_completed").wait(
            DistributionId=distribution, Id=made["Invalidation"]["Id"], WaiterConfig={"Delay": 5, "MaxAttempts": 120}
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.site", description="Publish the dashboard's pages.")
    add_deployment(parser)
    options = parser.parse_args(arguments)
    try:
        publish(chosen_deployment(options), options.env, Console(soft_wrap=True, highlight=False))
    except (DeploymentError, SiteError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
