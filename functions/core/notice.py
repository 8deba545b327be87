"""What people are told of a picture, by e-mail and to every other subscriber of the topic."""

from functions.core.models import Notice, Record, Status

_MAX_SUBJECT_CHARACTERS = 99  # SNS takes less than 100
_TOP_LABELS = 5

_HEADLINES = {
    Status.SUCCEEDED: "is ready",
    Status.PARTIAL: "is ready, in part",
    Status.REJECTED: "was not taken",
    Status.BLOCKED: "was blocked",
    Status.FAILED: "failed",
}


def compose_notice(record: Record, results_url: str, *, is_superseded: bool = False) -> Notice:
    """The notice of a terminal record: what happened, the file, its labels, and where the result is.

    Args:
        results_url: where results are read, without a slash at its end.
        is_superseded: the record was not kept, as another execution owns the picture.
    """
    file_name = _printable(record.file_name)
    headline = "was superseded" if is_superseded else _HEADLINES[record.status]
    lines = [
        f"{file_name} {headline}.",
        record.status_reason,
        "Please have a look: the mask or the content could not be judged with certainty."
        if record.needs_review
        else None,
        "",
        f"Status: {record.status}",
        f"File:   {_file(record)}",
        f"Labels: {_labels(record)}" if record.labels else None,
        f"Result: {results_url}/{record.image_id}",
    ]
    return Notice(subject=_subject(file_name, headline), message="\n".join(line for line in lines if line is not None))


def _subject(file_name: str, headline: str) -> str:
    """SNS takes printable ASCII of less than 100 characters; what the file name has beyond that becomes ``?``."""
    name = file_name.encode("ascii", errors="replace").decode()
    room = _MAX_SUBJECT_CHARACTERS - len(f"Matteflow:  {headline}")
    return f"Matteflow: {name if len(name) <= room else name[: room - 3] + '...'} {headline}"


def _file(record: Record) -> str:
    if record.image is None:
        return _printable(record.upload_key)
    image = record.image
    size_mb = image.size_bytes / 1_000_000
    return f"{_printable(record.file_name)}, {image.format}, {image.width} x {image.height} pixels, {size_mb:.1f} MB"


def _labels(record: Record) -> str:
    return ", ".join(f"{label.name} ({label.confidence:.0f} %)" for label in record.labels[:_TOP_LABELS])


def _printable(text: str) -> str:
    """The text without line breaks, control characters and marks that turn the direction of what follows."""
    return "".join(character if character.isprintable() else "?" for character in text)
