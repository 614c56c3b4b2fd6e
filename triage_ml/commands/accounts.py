"""`triage accounts`: who can sign in at the console, and with which password.

A password is typed unseen or read from standard input. It is never an argument: those can be
read by everybody on the machine, and stay in the shell's history.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from triage_ml.commands.access import with_store
from triage_ml.commands.words import out, say

if TYPE_CHECKING:
    from triage_ml.workflow.accounts import Accounts

T = TypeVar("T")

accounts = typer.Typer(help="Accounts of the console.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name to sign in with.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


@accounts.command("add")
def accounts_add(
    name: Annotated[
        str, typer.Argument(help="Stands on every claim and decision; never used again.")
    ],
    scope: Annotated[list[str], typer.Option(help="review, restricted, lead, admin, intake, ml.")],
    display_name: Annotated[
        str | None, typer.Option(help="What others read; the name if left out.")
    ] = None,
    password_stdin: FromStdin = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For who signs in with the organisation alone.")
    ] = False,
) -> None:
    """Make an account with a password of 12 to 256 characters."""
    password = None if no_password else _read_password(password_stdin)
    account = _with_accounts(
        lambda known: known.create(name, display_name or name, scope, password)
    )
    say(f"added: {account.name}")


@accounts.command("list")
def accounts_list() -> None:
    """List accounts and their scopes, also the disabled ones."""
    table = Table("name", "display name", "scopes", "created", "disabled")
    for account in _with_accounts(lambda known: known.all()):
        disabled = f"{account.disabled_at:%Y-%m-%d %H:%M}" if account.disabled_at else ""
        created = f"{account.created_at:%Y-%m-%d %H:%M}"
        scopes = " ".join(sorted(account.scopes))
        table.add_row(account.name, escape(account.display_name), scopes, created, disabled)
    out.print(table)


@accounts.command("disable")
def accounts_disable(names: list[str]) -> None:
    """Let nobody sign in to these accounts and end their sessions at once."""

    async def disable(known: "Accounts") -> None:
        for name in names:
            await known.disable(name)

    _with_accounts(disable)
    say(f"disabled: {', '.join(names)}")


@accounts.command("password")
def accounts_password(name: Name, password_stdin: FromStdin = False) -> None:
    """Set a new password and end the account's sessions."""
    password = _read_password(password_stdin)
    _with_accounts(lambda known: known.set_password(name, password))
    say(f"password set: {name}")


def _read_password(from_stdin: bool) -> str:
    """Read a password, and refuse a bad one before a database is opened for it."""
    from triage_ml.workflow.accounts import check_password

    if from_stdin:
        # One line end belongs to the command that wrote the password, not to the password.
        password = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return check_password(password)


def _with_accounts(use: Callable[["Accounts"], Awaitable[T]]) -> T:
    from serving.console.passwords import Argon2Hasher
    from triage_ml.workflow.accounts import Accounts

    return with_store(lambda store, clock: use(Accounts(store, clock, Argon2Hasher())))
