"""Commands that read and write files: `check-config`, `report`, `limits review`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from daemon.cli import show
from daemon.cli.place import place
from daemon.cli.safety import Json
from daemon.cli.show import Exit
from daemon.config_check import check_config
from daemon.journal import FILE_NAME, broken_links
from daemon.report import differences, read_report
from drivers.errors import ConfigError, OperatorError
from safety.protocols import load_protocols
from safety.review import load_reviewed, reviewed_text, sign, to_review, unsigned
from safety.site import load_site as load_safety_site

limits = typer.Typer(no_args_is_help=True, help="The numbers that nobody has compared with print yet.")


def check(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Site file; none: the one this command would use.")] = None,
) -> None:
    """Say everything that is wrong with a site file, or that it holds."""
    lines, code = check_config(file or place(ctx).site_file)
    for line in lines:
        print(line)
    raise typer.Exit(code)


def report(
    ctx: typer.Context,
    session: Annotated[str | None, typer.Argument(help="Part of its name, or its file; none: the newest.")] = None,
    *,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Hold it against the journal, and that against itself."),
    ] = False,
    as_json: Json = False,
) -> None:
    """What a session gave, and where its report lies."""
    named = Path(session or "")
    path = named if named.is_file() else _newest(place(ctx).site.daemon.state / "reports", session or "")
    document = read_report(path)
    if as_json:
        show.as_json(document)
    else:
        show.out.print(show.summary(document))
    wrong = _wrong(document, path.parent.parent / FILE_NAME) if verify else []
    for line in wrong:
        show.err.print(line, style="bold red")
    if verify and not wrong:
        show.err.print("The report and the journal agree, and every row of the journal follows the one before.")
    raise typer.Exit(Exit.REFUSED if wrong else Exit.OK)


def _newest(folder: Path, part: str) -> Path:
    """The newest report with `part` in its name. Raises OperatorError: there is none."""
    try:
        found = [path for path in folder.iterdir() if path.suffix == ".json" and part in path.stem]
    except FileNotFoundError:
        found = []
    except PermissionError:
        raise OperatorError(
            f"{folder} cannot be read. Reports name subjects, so they belong to the user of coilward-daemon alone. "
            "Run the same command as that user: sudo -u coilward-daemon …"
        ) from None
    if not found:
        raise OperatorError(f"No report in {folder}. No session of that name has ended here. List the folder.")
    return max(found, key=lambda path: path.stat().st_mtime)


def _wrong(document: Mapping[str, Any], journal: Path) -> list[str]:
    contents, broken = broken_links(journal)
    wrong = [f"row {number + 1} of {journal} does not follow the row before it" for number in broken]
    if contents.damaged:
        wrong.append(f"{contents.damaged} lines of {journal} are no rows")
    return wrong + differences(document, contents.rows)


def protocols(as_json: Json = False) -> None:
    """The library of protocols."""
    table = Table("id", "version", "what it is", "checked in print")
    for one in load_protocols().values():
        if as_json:
            show.as_json({"id": one.id, "version": one.version, "title": one.title, "verified": one.verified})
        table.add_row(one.id, str(one.version), one.title, "yes" if one.verified else "no")
    if not as_json:
        show.out.print(table)


@limits.command()
def review(
    ctx: typer.Context,
    rows: Annotated[list[str] | None, typer.Argument(help="Rows to sign.")] = None,
    *,
    sign_as: Annotated[str | None, typer.Option("--sign", metavar="NAME", help="Sign the rows named, as NAME.")] = None,
    every_one: Annotated[
        bool, typer.Option("--all", help="Sign every unsigned row: you have compared them all.")
    ] = False,
    file: Annotated[Path | None, typer.Option(help="File of signatures; none: the site's `reviewed`.")] = None,
    as_json: Json = False,
) -> None:
    """List every number nobody has compared with its source in print, and who has signed it; sign some."""
    site = load_safety_site(place(ctx).site_file)
    reviewed = file or (site.study.reviewed if site.study else None)
    every = to_review(site.limits, load_protocols().values())
    signatures = load_reviewed(reviewed if reviewed is not None and reviewed.exists() else None)
    open_rows = set(unsigned(every, signatures))
    if sign_as is not None:
        if not rows and not every_one:
            raise OperatorError("Nothing was signed. No row is named. Name those you have compared, or give --all.")
        wanted = open_rows if every_one else set(rows or ())
        if unknown := wanted - {row.name for row in every}:
            raise OperatorError(f"{', '.join(sorted(unknown))}: no such row. Run `coilward limits review`.")
        if reviewed is None:
            raise ConfigError("The site names no file of signatures. Give --file, and set `reviewed` in [study].")
        kept = tuple(signature for signature in signatures if signature.row not in wanted)
        new = tuple(sign(row, sign_as, time.time_ns() // 1000) for row in every if row.name in wanted)
        _replace(reviewed, reviewed_text((*kept, *new)))
        show.out.print(f"{len(new)} rows signed as {sign_as} in {reviewed}.")
        return
    if as_json:
        for row in every:
            show.as_json({"row": row.name, "says": row.says, "source": row.source, "signed": row.name not in open_rows})
        return
    table = Table("row", "says", "source", "signed")
    for row in every:
        table.add_row(row.name, row.says, row.source, "no" if row.name in open_rows else "yes")
    show.out.print(table)
    show.out.print(f"{len(open_rows)} of {len(every)} unsigned. Use `study` needs every row it uses signed.")


def _replace(path: Path, text: str) -> None:
    """Old or new, never half: these are people's signatures."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)
