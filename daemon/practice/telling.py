"""How an exercise went, as a page of text and as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from daemon.messages import Both, PracticeResult, PracticeStep
from daemon.practice.scenario import Scenario
from daemon.words.document import labels

NAME: Final = "practice"


def text(scenario: Scenario, result: PracticeResult, language: str) -> str:
    """One page."""
    say = labels(language)
    missed = [step for step in result.steps if step.outcome != "done"]
    lines = [f"{say['practice-banner']}", "", f"{say['practice-result']}: {of(scenario.title, language)}"]
    if result.stop_s is not None:
        lines.append(say["practice-time-to-stop"].format(seconds=result.stop_s))
    lines.append(f"{say['practice-missed']}: {len(missed)}" if missed else say["practice-none-missed"])
    lines += ["", *(_line(step, say, language) for step in result.steps)]
    if missed:
        lines += ["", f"{say['practice-read']}: {of(result.read, language)}"]
    return "\n".join(lines) + "\n"


def _line(step: PracticeStep, say: dict[str, str], language: str) -> str:
    took = "" if step.seconds is None else f": {step.seconds:.1f} s"
    limit = "" if step.within_s is None else f" ({say['practice-within'].format(seconds=f'{step.within_s:g}')})"
    return f"  {say[f'practice-step-{step.outcome}']:12}{of(step.what, language)}{took}{limit}"


def of(both: Both, language: str) -> str:
    """The text in this language."""
    return both.it if language == "it" else both.en


def write(folder: Path, scenario: Scenario, result: PracticeResult, language: str) -> Path:
    """Writes both; the path of the text. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"practice": True, "scenario": scenario.name, **result.model_dump(mode="json")}
    (folder / f"{NAME}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path = folder / f"{NAME}.txt"
    path.write_text(text(scenario, result, language), encoding="utf-8")
    return path
