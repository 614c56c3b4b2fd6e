"""What a person finds on a page: which queues have cases, and what a form will send."""

import html
import re

_ROW = re.compile(r'<tr id="queue-([\w-]+)"[^>]*class="([^"]*)"')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def form_in(page: str, action: str) -> dict[str, str] | None:
    """Give the hidden fields of the form that is sent to an address, if the page has it."""
    _, found, rest = page.partition(f'action="{action}"')
    if not found:
        return None
    body = rest.partition("</form>")[0]
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(body)}


def waiting_queues(page: str) -> list[str]:
    """Name the queues whose row on the page says that cases are open."""
    return [name for name, kinds in _ROW.findall(page) if "idle" not in kinds.split()]
