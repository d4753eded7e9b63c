"""The `fieldcrm` command: one verb a line; each loads only what it needs."""

from __future__ import annotations

import argparse
import getpass
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fieldcrm.people.model import Actor

BENCHES = {
    "day": "workers.simulator.bench",
    "plan": "fieldcrm.planning.bench",
    "routes": "workers.optimiser.routes.bench",
    "cycle": "workers.optimiser.cycles.bench",
    "dispatch": "workers.optimiser.days.bench",
    "search": "fieldcrm.clients.bench",
    "import": "fieldcrm.clients.import_bench",
    "duplicates": "fieldcrm.clients.duplicates.bench",
    "quality": "fieldcrm.quality.bench",
    "coverage": "fieldcrm.reports.coverage_bench",
    "live": "workers.gateway.benches.live",
    "backlog": "workers.gateway.benches.backlog",
    "power-loss": "workers.gateway.benches.power_loss",
    "map": "workers.gateway.benches.map",
    "tracks": "fieldcrm.tracking.benches.tracks",
    "history": "fieldcrm.tracking.benches.history",
    "recorder": "workers.recorder.bench",
    "marker": "workers.simulator.marker",
    "sync": "fieldcrm.phone.benches.sync",
    "first-sync": "fieldcrm.phone.benches.first_sync",
    "phone": "fieldcrm.phone.benches.speed",
}

Command = Callable[[argparse.Namespace], None]


def main(argv: Sequence[str] | None = None) -> None:
    """Run one verb; a refusal is one clear line and exit status 1."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["bench"] and arguments[1:2] and arguments[1] in BENCHES:
        _run_bench(BENCHES[arguments[1]], arguments[2:])
        return
    if arguments[:1] == ["simulate"]:
        importlib.import_module("workers.simulator.main").main(arguments[1:])
        return
    options = parser().parse_args(arguments)
    _run(options.command, options)


def _run_bench(module: str, arguments: list[str]) -> None:
    """Some benches drive a browser or read with a peer's library: the tests' own packages."""
    try:
        importlib.import_module(module).main(arguments)
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] in ("fieldcrm", "workers"):
            raise
        print(f"fieldcrm: this bench needs {missing.name}: `make install-dev`", file=sys.stderr)
        raise SystemExit(1) from None


def _run(command: Command, options: argparse.Namespace) -> None:
    from fieldcrm.kit.errors import Refusal

    try:
        command(options)
    except Refusal as refusal:
        print(f"fieldcrm: {describe(refusal)}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("fieldcrm: stopped", file=sys.stderr)
        raise SystemExit(130) from None


def describe(refusal: Exception) -> str:
    """A refusal in English, by its catalogue text where there is one."""
    from fieldcrm.kit import i18n

    code, params = getattr(refusal, "code", "refused"), getattr(refusal, "params", {})
    text = i18n.t(f"error.{code}", "en", **params)
    detail = getattr(refusal, "detail", "")
    return f"{text} ({detail})" if detail and detail != code else text


def parser() -> argparse.ArgumentParser:
    """All verbs with their help."""
    top = argparse.ArgumentParser(
        prog="fieldcrm", description="A CRM whose facts come from the field."
    )
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    _running_verbs(verbs)
    _data_verbs(verbs)
    _company_verbs(verbs)
    return top


def _verb(verbs, name: str, command: Command, help: str) -> argparse.ArgumentParser:  # type: ignore[no-untyped-def]
    made = verbs.add_parser(name, help=help, description=help)
    made.set_defaults(command=command)
    return made


def _running_verbs(verbs) -> None:  # type: ignore[no-untyped-def]
    up = _verb(verbs, "up", run_up, "Start everything on this machine until Ctrl-C.")
    up.add_argument("--no-simulate", action="store_true", help="leave the sample's reps still")
    up.add_argument(
        "--no-sample", action="store_true", help="no sample company in an empty database"
    )
    up.add_argument("--speed", type=float, default=1.0, help="how fast the sample's clock runs")
    up.add_argument(
        "--clock-start",
        type=datetime.fromisoformat,
        help="moment the sample's clock starts at (ISO 8601 with zone)",
    )
    up.add_argument(
        "--except",
        dest="except_reps",
        default="sanna",
        help="reps the simulator leaves to people (comma-separated; empty: plays all)",
    )
    _verb(verbs, "web", lambda o: _call("fieldcrm.ops.web"), "Serve pages, phone app and API.")
    _verb(
        verbs,
        "gateway",
        lambda o: _call("workers.gateway.server"),
        "Take positions and serve live maps.",
    )
    recorder = _verb(verbs, "recorder", run_recorder, "Write tracks, judge visits, raise alerts.")
    aside = recorder.add_subparsers(metavar="VERB").add_parser(
        "unreadable", help="What could not be recorded and lies aside."
    )
    aside = aside.add_subparsers(required=True, metavar="VERB")
    for name, help in (("list", "Print each piece as a line of JSON."),
                       ("retry", "Record pieces once more, as after an upgrade."),
                       ("drop", "Give pieces up for ever.")):  # fmt: skip
        made = _verb(aside, name, run_unreadable, help)
        made.set_defaults(verb=name)
        made.add_argument("names", nargs="*", metavar="NAME", help="all where none is named")
        made.add_argument("--yes", action="store_true", help="don't ask")
    optimiser = _verb(verbs, "optimiser", run_optimiser, "Work on planning jobs.")
    optimiser.add_argument("--queue", choices=["urgent", "what_if", "long"], default="urgent")
    _verb(verbs, "build", run_build, "Build the pages and the phone app if their sources changed.")
    verbs.add_parser(
        "simulate", help="Play the sample company's reps through the public phone interfaces."
    )
    bench = _verb(verbs, "bench", run_bench, "Measure; prints one JSON object last.")
    bench.add_argument("name", choices=sorted(BENCHES))
    _verb(
        verbs,
        "health",
        run_health,
        "Print what /healthz would answer; exit status 1 unless all is well.",
    )


def _data_verbs(verbs) -> None:  # type: ignore[no-untyped-def]
    db = verbs.add_parser("db", help="The database.").add_subparsers(required=True, metavar="VERB")
    _verb(db, "upgrade", run_upgrade, "Bring the database to the newest schema.")
    sample = verbs.add_parser("sample", help="The sample company.").add_subparsers(
        required=True, metavar="VERB"
    )
    load = _verb(sample, "load", run_sample_load, "Load the sample company into an empty database.")
    load.add_argument(
        "--if-empty", action="store_true", help="do nothing when the database has people"
    )
    _verb(
        sample,
        "clock",
        run_sample_clock,
        "Print where the sample's clock starts now; nothing on a real database.",
    )
    _verb(
        sample,
        "is-only",
        run_sample_only,
        "Exit status 1 unless the database holds only sample data.",
    )
    prepare = _verb(
        verbs, "prepare", run_prepare,
        "Bring a home up to date: the schema, a sample company if asked for, its clock.",
    )  # fmt: skip
    prepare.add_argument("--sample", action="store_true", help="load it when the database is empty")
    prepare.add_argument(
        "--clock", type=Path, help="write where the sample's clock starts to this file"
    )
    region = verbs.add_parser("region", help="Roads and basemaps.").add_subparsers(
        required=True, metavar="VERB"
    )
    add = _verb(
        region, "add", run_region_add, "Make roads and basemap from an OpenStreetMap extract."
    )
    add.add_argument("file", type=Path, help="FILE.osm.pbf")
    add.add_argument("--name", help="the region's name; FILE's own by default")
    backup = _verb(
        verbs, "backup", run_backup, "Write database, photos, settings and keys to one file."
    )
    backup.add_argument("file", type=Path)
    restore = _verb(verbs, "restore", run_restore, "Bring a backup into an empty home.")
    restore.add_argument("file", type=Path)


def _company_verbs(verbs) -> None:  # type: ignore[no-untyped-def]
    user = verbs.add_parser("user", help="People who sign in.").add_subparsers(
        required=True, metavar="VERB"
    )
    add = _verb(
        user,
        "add",
        run_user_add,
        "Add a person; the password is asked for, or read from FIELDCRM_NEW_PASSWORD.",
    )
    add.add_argument("login")
    add.add_argument("--name", default="")
    add.add_argument("--role", choices=["admin", "manager", "dispatcher", "rep"], default="admin")
    person = verbs.add_parser("person", help="One person's track.").add_subparsers(
        required=True, metavar="VERB"
    )
    export = _verb(
        person, "export", run_person_export, "Write all that is kept of a rep's ways, JSON by line."
    )
    export.add_argument("login")
    export.add_argument("file", type=Path, nargs="?", help="standard output by default")
    erase = _verb(person, "erase", run_person_erase, "Erase a rep's whole track until now.")
    erase.add_argument("login")
    erase.add_argument("--yes", action="store_true", help="don't ask")
    rules = _verb(
        verbs,
        "policy",
        run_policy,
        "Show or change how long tracks are kept and when alerts are quiet.",
    )
    rules.add_argument("--keep-days", type=int, help="erase tracks that are older")
    rules.add_argument("--alert-days", type=int, help="erase settled alerts that are older")
    rules.add_argument(
        "--photo-days", metavar="DAYS", help="erase photos that are older; 'none': keep all"
    )
    rules.add_argument("--quiet", metavar="HH:MM-HH:MM", help="no alerts between; 'none' ends it")
    plan = verbs.add_parser("plan", help="Day plans.").add_subparsers(required=True, metavar="VERB")
    check = _verb(
        plan, "check", run_plan_check, "Print each rule that a plan breaks; exit status 1 if any."
    )
    check.add_argument("problem", type=Path, help="JSON, see docs/problem-format.md")
    check.add_argument("plan", type=Path)
    clients = verbs.add_parser("clients", help="The client base.").add_subparsers(
        required=True, metavar="VERB"
    )
    imported = _verb(
        clients, "import", run_import, "Import clients from CSV, TSV, XLSX, GeoJSON or vCard."
    )
    imported.add_argument("file", type=Path)
    imported.add_argument("--template", metavar="NAME", help="read it as the template says")
    imported.add_argument("--save-template", metavar="NAME", help="keep how this file was read")
    imported.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=FIELD", help="COLUMN= leaves it out"
    )
    imported.add_argument(
        "--header", choices=["yes", "no"], help="whether the first row names the columns"
    )
    imported.add_argument(
        "--whole", action="store_true", help="all of the file or nothing: no row may be rejected"
    )
    imported.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="for every row without its own: kind, country, territory",
    )
    imported.add_argument("--match", default=None, help="field that tells a known client")
    imported.add_argument("--mode", choices=["create", "update", "upsert"])
    imported.add_argument("--dry-run", action="store_true")
    imported.add_argument("--json", action="store_true", help="print the report as JSON")
    undone = _verb(clients, "undo", run_import_undo, "Take an import back, whole.")
    undone.add_argument("import_id")
    undone.add_argument("--json", action="store_true", help="print the outcome as JSON")

    quality = verbs.add_parser("quality", help="How well clients' cards are kept.")
    quality = quality.add_subparsers(required=True, metavar="VERB")
    checked = _verb(quality, "run", run_quality, "Judge every card now, look for wrong pins.")
    checked.add_argument("--json", action="store_true", help="print the report as JSON")


def _call(module: str) -> None:
    _refuse_moved_clock()
    importlib.import_module(module).main()


def _refuse_moved_clock() -> None:
    """No part runs on another clock than the real one beside data that isn't sample data."""
    from fieldcrm.kit.settings import settings

    if settings().clock_start is not None:
        run_sample_only(argparse.Namespace())


def run_up(options: argparse.Namespace) -> None:
    from fieldcrm.ops import up

    up.main(simulate=not options.no_simulate, sample=not options.no_sample, speed=options.speed,
            clock_start=options.clock_start, except_reps=options.except_reps)  # fmt: skip


def run_optimiser(options: argparse.Namespace) -> None:
    _refuse_moved_clock()
    importlib.import_module("workers.optimiser.main").main(options.queue)


def run_recorder(options: argparse.Namespace) -> None:
    _call("workers.recorder.main")


def run_unreadable(options: argparse.Namespace) -> None:
    what = ", ".join(options.names) or "everything that lies aside"
    if options.verb == "drop" and not options.yes and input(f"Give up {what}? [y/N] ") != "y":
        raise SystemExit(1)
    tool = importlib.import_module("workers.recorder.unreadable")
    raise SystemExit(tool.main(options.verb, options.names, _admin()))


def run_build(options: argparse.Namespace) -> None:
    from fieldcrm.ops import build

    if not build.is_built():
        try:
            build.build()
        except build.BuildFailed as failure:
            raise SystemExit(f"fieldcrm: the pages could not be built\n{failure}") from None
    print(build.describe())


def run_bench(options: argparse.Namespace) -> None:
    _run_bench(BENCHES[options.name], [])


def run_health(options: argparse.Namespace) -> None:
    from fieldcrm.reports import health

    found = health.report()
    found["parts"].pop("web")
    print(json.dumps(found))
    raise SystemExit(0 if set(found["parts"].values()) == {"ok"} else 1)


def run_upgrade(options: argparse.Namespace) -> None:
    from fieldcrm.kit.settings import settings
    from fieldcrm.migrations import schema

    settings().home.mkdir(parents=True, exist_ok=True)
    schema.upgrade()


def run_sample_load(options: argparse.Namespace) -> None:
    importlib.import_module("workers.simulator.company").load_command(if_empty=options.if_empty)


def run_sample_clock(options: argparse.Namespace) -> None:
    importlib.import_module("workers.simulator.clock").print_start()


def run_prepare(options: argparse.Namespace) -> None:
    """What `fieldcrm up` needs before its parts start, in one process: Python starts once."""
    run_upgrade(options)
    if options.sample:
        importlib.import_module("workers.simulator.company").load_command(if_empty=True)
    if options.clock is not None:
        start = importlib.import_module("workers.simulator.clock").find_start()
        options.clock.write_text(start.isoformat() if start else "")


def run_sample_only(options: argparse.Namespace) -> None:
    from fieldcrm.kit import database, facts

    with database.reading() as session:
        if not facts.get(session, facts.SAMPLE, False):
            raise SystemExit("fieldcrm: the clock can be moved only while all data is sample data")


def run_region_add(options: argparse.Namespace) -> None:
    from fieldcrm.kit.settings import settings
    from fieldcrm.regions.build import build_region

    name = options.name or options.file.name.removesuffix(".pbf").removesuffix(".osm").lower()
    region = build_region(options.file, settings().home, name, _progress_line)
    print(f"region {region.name} is ready; use it with FIELDCRM_REGION={region.name}")


def _progress_line(share: float, what: str) -> None:
    print(f"{share:4.0%} {what}", file=sys.stderr, flush=True)


def run_backup(options: argparse.Namespace) -> None:
    from fieldcrm.ops import backup

    print(json.dumps(backup.backup(options.file, _progress_line)))


def run_restore(options: argparse.Namespace) -> None:
    from fieldcrm.ops import backup

    print(json.dumps(backup.restore(options.file, _progress_line)))


def run_user_add(options: argparse.Namespace) -> None:
    from fieldcrm.people import service
    from fieldcrm.people.model import Role

    password = os.environ.get("FIELDCRM_NEW_PASSWORD") or getpass.getpass("Password: ")
    user = service.add_first(
        options.login, options.name or options.login, Role(options.role), password
    )
    print(f"{user.login} can sign in as {user.role}")


def _rep_id(login: str) -> str:
    from fieldcrm.people import service
    from fieldcrm.people.model import OutOfScope

    found = [u for u in service.list_users(_admin(), role="rep") if u.login == login.lower()]
    if not found:
        raise OutOfScope()
    return found[0].id


def _admin() -> Actor:
    from fieldcrm.people.model import Actor, Role

    return Actor(user_id="", role=Role.admin, team_ids=frozenset(), source="cli")


def run_person_export(options: argparse.Namespace) -> None:
    from fieldcrm.tracking import person

    lines = person.export_track(_admin(), _rep_id(options.login))
    with options.file.open("wb") if options.file else os.fdopen(os.dup(1), "wb") as out:
        out.writelines(lines)


def run_person_erase(options: argparse.Namespace) -> None:
    from fieldcrm.tracking import person

    rep_id = _rep_id(options.login)
    if not options.yes and input(f"Erase the whole track of {options.login}? [y/N] ") != "y":
        raise SystemExit(1)
    print(json.dumps({"erased": person.erase_track(_admin(), rep_id)}))


def run_policy(options: argparse.Namespace) -> None:
    from dataclasses import asdict

    from fieldcrm.tracking import policy

    changes: dict[str, int | None] = {}
    if options.keep_days is not None:
        changes["keep_days"] = options.keep_days
    if options.alert_days is not None:
        changes["alert_days"] = options.alert_days
    if options.photo_days is not None:
        changes["photo_days"] = policy.days_of(options.photo_days)
    if options.quiet is not None:
        changes["quiet_from_min"], changes["quiet_to_min"] = policy.minutes_of(options.quiet)
    found = policy.set_policy(_admin(), **changes) if changes else policy.policy(_admin())
    print(json.dumps(asdict(found)))


def run_plan_check(options: argparse.Namespace) -> None:
    from fieldcrm.planning.files import violations_between

    found = violations_between(options.problem, options.plan)
    for line in found:
        print(line)
    if found:
        raise SystemExit(1)


def run_import(options: argparse.Namespace) -> None:
    from fieldcrm.clients import import_command, import_texts

    mapping = {column: field for column, _, field in (p.rpartition("=") for p in options.map)}
    constants = {field: value for field, _, value in (p.partition("=") for p in options.set)}
    report = import_command.import_file(
        options.file, mapping=mapping or None, match=options.match, mode=options.mode,
        dry_run=options.dry_run, progress=_progress_line, constants=constants,
        has_header={"yes": True, "no": False, None: None}[options.header], whole=options.whole,
        template=options.template, save_as=options.save_template,
    )  # fmt: skip
    _print_json_or(options, import_command.as_json(report), import_texts.report_text(report))
    if report["status"] == "failed":
        raise SystemExit(1)


def run_import_undo(options: argparse.Namespace) -> None:
    from fieldcrm.clients import import_command

    told = import_command.undo(options.import_id, _progress_line)
    _print_json_or(options, told, "\n".join(import_command.undo_lines(told)))
    if told["status"] != "undone":
        raise SystemExit(1)


def run_quality(options: argparse.Namespace) -> None:
    from fieldcrm.quality import command

    told = command.check(_progress_line)
    _print_json_or(options, told, "\n".join(command.lines(told)))
    if told["status"] != "done":
        raise SystemExit(1)


def _print_json_or(options: argparse.Namespace, told: dict[str, Any], text: str) -> None:
    print(json.dumps(told, ensure_ascii=False) if options.json else text)


if __name__ == "__main__":
    main()
