"""Publishing the pages: an open page never misses a file, and nobody is shown the old ones for long."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from rich.console import Console

from scripts.deployment import Deployment
from scripts.site import KEPT_UNUSED, UNUSED_SINCE, SiteError, publish

BUCKET = "matteflow-dev-site"
SIGN_IN = {"issuer": "https://cognito-idp.us-east-1.amazonaws.com/pool", "client_id": "client"}
OUTPUTS = {
    "api_url": "https://photos.example.org/api",
    "dashboard_url": "https://photos.example.org",
    "sign_in": SIGN_IN,
    "site_bucket": BUCKET,
    "site_distribution_id": "E123",
}


class Session(boto3.Session):
    """A session with moto's S3, whose uploads are noted, and a CloudFront that takes the invalidations it expects."""

    def __init__(self) -> None:
        super().__init__(region_name="us-east-1")
        self.s3 = super().client("s3")
        self.uploaded: list[str] = []
        self.s3.meta.events.register("before-parameter-build.s3.PutObject", self._note)
        self.cloudfront = super().client("cloudfront")
        self.stubber = Stubber(self.cloudfront)
        self.stubber.activate()

    def client(self, service: str, **_: Any) -> Any:  # type: ignore[override]
        return {"s3": self.s3, "cloudfront": self.cloudfront}[service]

    def expect_invalidation(self, *paths: str) -> None:
        batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": ANY}
        kept = {**batch, "CallerReference": "any"}
        made = {"Id": "I1", "Status": "InProgress", "CreateTime": datetime.now(UTC), "InvalidationBatch": kept}
        self.stubber.add_response(
            "create_invalidation", {"Invalidation": made}, {"DistributionId": "E123", "InvalidationBatch": batch}
        )
        self.stubber.add_response(
            "get_invalidation",
            {"Invalidation": {**made, "Status": "Completed"}},
            {"DistributionId": "E123", "Id": "I1"},
        )

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self.uploaded.append(params["Key"])


@pytest.fixture
def session(aws: None) -> Iterator[Session]:  # noqa: ARG001 - moto must be there before the bucket
    session = Session()
    session.s3.create_bucket(Bucket=BUCKET)
    session.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield session
    session.stubber.assert_no_pending_responses()


def build_pages(folder: Path, digest: str) -> Path:
    """What Vite builds: a page, and the files that it names by their digest."""
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(f"<script src=/assets/index-{digest}.js>")
    (folder / "config.json").write_text('{"api_url": "of another environment"}')
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets").mkdir()
    for suffix in ("js", "css", "js.map"):
        (folder / "assets" / f"index-{digest}.{suffix}").write_text(digest)
    return folder


def publish_pages(session: Session, pages: Path, outputs: dict[str, Any] = OUTPUTS) -> None:
    session.expect_invalidation("/", "/config.json", "/favicon.svg", "/index.html")
    publish(Deployment(outputs, session), "dev", Console(file=io.StringIO()), pages)


def head(session: Session, key: str) -> tuple[str, str]:
    found = session.s3.head_object(Bucket=BUCKET, Key=key)
    return found["ContentType"], found["CacheControl"]


def assets(session: Session) -> set[str]:
    return {found["Key"] for found in session.s3.list_objects_v2(Bucket=BUCKET, Prefix="assets/").get("Contents", [])}


def test_what_a_page_names_is_there_before_the_page(session: Session, tmp_path: Path) -> None:
    publish_pages(session, build_pages(tmp_path / "dist", "a1"))
    assert session.uploaded == [
        "assets/index-a1.css", "assets/index-a1.js", "assets/index-a1.js.map",
        "favicon.svg", "config.json", "index.html",
    ]  # fmt: skip


def test_files_are_kept_as_long_as_they_are_right(session: Session, tmp_path: Path) -> None:
    publish_pages(session, build_pages(tmp_path / "dist", "a1"))
    for_ever, asked = "public, max-age=31536000, immutable", "no-cache"
    assert head(session, "assets/index-a1.js") == ("text/javascript", for_ever)
    assert head(session, "assets/index-a1.css") == ("text/css", for_ever)
    assert head(session, "index.html") == ("text/html", asked)
    assert head(session, "config.json") == ("application/json", asked)
    assert head(session, "favicon.svg") == ("image/svg+xml", asked)


def test_the_pages_are_told_of_their_own_environment(session: Session, tmp_path: Path) -> None:
    publish_pages(session, build_pages(tmp_path / "dist", "a1"))
    config = json.load(session.s3.get_object(Bucket=BUCKET, Key="config.json")["Body"])
    assert config == {"api_url": "https://photos.example.org/api", "sign_in": SIGN_IN}
    # Terraform leaves an output out that is null
    publish_pages(session, tmp_path / "dist", {name: OUTPUTS[name] for name in OUTPUTS if name != "sign_in"})
    config = json.load(session.s3.get_object(Bucket=BUCKET, Key="config.json")["Body"])
    assert config["sign_in"] is None


def test_an_open_page_keeps_its_files_for_a_month_after_they_are_replaced(session: Session, tmp_path: Path) -> None:
    publish_pages(session, build_pages(tmp_path / "first", "a1"))
    second = build_pages(tmp_path / "second", "b2")
    publish_pages(session, second)
    publish_pages(session, second)
    first = {f"assets/index-a1.{suffix}" for suffix in ("js", "css", "js.map")}
    assert first < assets(session)
    # When the mark is older than a month
    since = (datetime.now(UTC) - KEPT_UNUSED - timedelta(hours=1)).isoformat()
    for key in first:
        tag = {"Key": UNUSED_SINCE, "Value": since}
        session.s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": [tag]})
    publish_pages(session, second)
    assert assets(session) == {f"assets/index-b2.{suffix}" for suffix in ("js", "css", "js.map")}


def test_going_back_takes_the_marks_off(session: Session, tmp_path: Path) -> None:
    first, second = build_pages(tmp_path / "first", "a1"), build_pages(tmp_path / "second", "b2")
    for pages in (first, second, first):
        publish_pages(session, pages)
    tagged = {key for key in assets(session) if session.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]}
    assert tagged == {f"assets/index-b2.{suffix}" for suffix in ("js", "css", "js.map")}


def test_pages_that_are_not_built_say_how(session: Session, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="make dashboard"):
        publish(Deployment(OUTPUTS, session), "dev", Console(file=io.StringIO()), tmp_path)


def test_without_an_edge_both_ways_are_named(session: Session, tmp_path: Path) -> None:
    said = io.StringIO()
    publish(Deployment({"api_url": "https://x"}, session), "dev", Console(file=said), tmp_path)
    assert re.search(r"edge is false.*update-frontend-config\.sh\s+dev", said.getvalue(), re.DOTALL)


def test_a_refusal_is_said(session: Session, tmp_path: Path) -> None:
    outputs = {**OUTPUTS, "site_bucket": "of-somebody-else"}
    with pytest.raises(SiteError, match=r"NoSuchBucket.*make site again"):
        publish(Deployment(outputs, session), "dev", Console(file=io.StringIO()), build_pages(tmp_path / "dist", "a1"))
