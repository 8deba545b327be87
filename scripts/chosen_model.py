"""Which model the local stack serves: what ``make models MODEL=...`` named last, unless variables say otherwise."""

import json
from pathlib import Path

CHOSEN = Path(__file__).resolve().parent.parent / ".models" / "chosen.json"


def choose(settings: dict[str, str]) -> None:
    """Keep the inference app's settings for the stacks that start from now on."""
    CHOSEN.parent.mkdir(exist_ok=True)
    CHOSEN.write_text(json.dumps(settings) + "\n")


def chosen() -> dict[str, str]:
    """What was kept last; nothing, and so the app's own defaults, where nothing was."""
    settings: dict[str, str] = json.loads(CHOSEN.read_text()) if CHOSEN.exists() else {}
    return settings
