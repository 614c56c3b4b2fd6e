"""What a comparison says on a terminal, and a promotion of it."""

from tests.cli.shell import on_store
from tests.contract.steps import report
from tests.unit.pairs import made, pair, stand
from triage_ml.commands.simulate_report import print_comparison
from triage_ml.domain.taxonomy import Language, Severity

SAID = "look at these: in ko 8 decided violations sink and 0 rise, more than chance explains"


def sinking(*models):
    """Eight decided violations sink in one language, nothing grave."""
    after = stand(tier=4)
    rows = [pair(n, language=Language.KO, after=after, decided=Severity.S1) for n in range(8)]
    return made(rows, models=models)


def test_violations_that_sink_in_a_language_are_pointed_out(capsys):
    """Beside what rises, for the reader to see both."""
    print_comparison(sinking("m-1", "m-2"))
    printed = capsys.readouterr().out
    assert SAID in printed
    assert "violations risen" in printed


def test_a_promotion_says_it_again(two, database):
    """Whoever promotes may not be who compared."""

    async def compared(store):
        await report(store, "i-1")
        await store.add_comparison(sinking("tiny-b", "tiny-a"))

    assert two("publish")[0] == 0
    on_store(database, compared)
    status, printed, said = two("promote", "1", "--by", "anna", "--why", "kinder")
    assert (status, said) == (0, f"triage: {SAID}\n")
    assert "version 1 (tiny-a) is the champion" in printed
