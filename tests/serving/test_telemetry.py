"""What the process says of itself, and to whom."""

import structlog
from structlog.testing import capture_logs

from serving.telemetry import configure_logging


def test_a_logger_in_use_follows_a_later_configuration(kept_logging: None) -> None:
    """Loggers live as long as their modules: none may keep the settings of its first line."""
    log = structlog.stdlib.get_logger("triage.test")
    configure_logging("info", "console")
    log.info("a first line")
    configure_logging("info", "json")
    with capture_logs() as lines:
        log.info("a second line")
    assert [line["event"] for line in lines] == ["a second line"]
