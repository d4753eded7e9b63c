"""The `fieldcrm` command."""

def main() -> None:
    raise SystemExit("not yet")
