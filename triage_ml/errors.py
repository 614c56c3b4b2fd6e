"""Every error the project raises on purpose.

TriageError
├── InvalidInput            a field of a request or a line of a file is wrong
│   └── TooLarge            ... because it is longer than the stated limit
├── NotFound                no such case, claim, queue, key, account
├── Conflict                the request is well formed but the state forbids it
│   ├── IllegalTransition   the case's state does not allow this step
│   ├── ContentErased       nobody can judge a text that is not there any more
│   └── IdempotencyMismatch the key was used before with another body
├── LeaseExpired            the claim ended before the reviewer acted
├── AccessDenied            who asks may not do this
│   ├── Unauthenticated     no key or session, or an unknown one
│   ├── SignInFailed        no account with this name and password
│   ├── TooManyAttempts     too many sign-ins failed; try again after a stated time
│   ├── SignOnFailed        the organisation's sign-in did not vouch for an account
│   └── ScopeMissing        a known key without the scope
├── Overloaded              try again after a stated time
├── StoreUnavailable        the database cannot be reached
├── ScoringFailed           no scores for this text now
│   ├── ModelMissing        no model is loaded
│   └── ScoreDeadlineExceeded
├── DeliveryFailed          a webhook did not take an announcement
├── ArtifactInvalid         a model folder does not hold what its manifest says
├── PolicyInvalid           a policy file is wrong
└── SetupFailed             the machine does not allow the start: port, disk, permission

Facts are attributes; nothing here knows about HTTP. Messages never carry item text or a
reporter's identity.
"""


class TriageError(Exception):
    """Base of the tree."""


class InvalidInput(TriageError):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class TooLarge(InvalidInput):
    def __init__(self, field: str, size: int, max_size: int, unit: str) -> None:
        super().__init__(field, f"{size:,} {unit} is over the limit of {max_size:,}")
        self.size = size
        self.max_size = max_size


class NotFound(TriageError):
    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"no {kind} {key}")
        self.kind = kind
        self.key = key


class Conflict(TriageError):
    """The request is well formed, but what is stored forbids it."""


class IllegalTransition(Conflict):
    def __init__(self, state: str, step: str, reason: str = "") -> None:
        super().__init__(
            f"a case that is {state} cannot be {step}" + (f": {reason}" if reason else "")
        )
        self.state = state
        self.step = step


class ContentErased(Conflict):
    def __init__(self, item_id: str) -> None:
        super().__init__(
            f"the text of item {item_id} was erased: its case can only be closed with no_action "
            "and without findings"
        )
        self.item_id = item_id


class IdempotencyMismatch(Conflict):
    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used before with another body")


class LeaseExpired(TriageError):
    def __init__(self, claim_id: str) -> None:
        super().__init__(f"claim {claim_id} is over: its lease ended or the case moved on")
        self.claim_id = claim_id


class AccessDenied(TriageError):
    """Who asks may not do this."""


class Unauthenticated(AccessDenied):
    def __init__(self) -> None:
        super().__init__("no valid API key")


class SignInFailed(AccessDenied):
    """Says nothing about whether the name, the password or the account was wrong."""

    def __init__(self) -> None:
        super().__init__("name or password is wrong")


class TooManyAttempts(AccessDenied):
    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(f"too many sign-ins failed, retry after {retry_after_seconds:g} s")
        self.retry_after_seconds = retry_after_seconds


class SignOnFailed(AccessDenied):
    """The identity provider did not vouch for anybody who may sign in.

    `kind` says it to the person: denied, unavailable, untrusted, outdated or unknown; `reason`
    to who runs the service. Neither holds anything of a token.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"sign-on {kind}: {reason}")
        self.kind = kind
        self.reason = reason


class ScopeMissing(AccessDenied):
    def __init__(self, scope: str) -> None:
        super().__init__(f"this API key lacks the scope {scope}")
        self.scope = scope


class Overloaded(TriageError):
    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(f"at capacity, retry after {retry_after_seconds:g} s")
        self.retry_after_seconds = retry_after_seconds


class StoreUnavailable(TriageError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the database cannot be reached: {reason}")
        self.reason = reason


class ScoringFailed(TriageError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"not scored: {reason}")
        self.reason = reason


class ModelMissing(ScoringFailed):
    def __init__(self) -> None:
        super().__init__("no model is loaded")


class ScoreDeadlineExceeded(ScoringFailed):
    def __init__(self, deadline_seconds: float) -> None:
        super().__init__(f"the model took longer than {deadline_seconds:g} s")
        self.deadline_seconds = deadline_seconds


class DeliveryFailed(TriageError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"webhook not delivered: {reason}")
        self.reason = reason


class ArtifactInvalid(TriageError):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"model artifact {path}: {reason}")
        self.path = path
        self.reason = reason


class PolicyInvalid(TriageError):
    def __init__(self, file: str, field: str, reason: str) -> None:
        super().__init__(f"policy file {file}, {field}: {reason}")
        self.file = file
        self.field = field
        self.reason = reason


class SetupFailed(TriageError):
    """The machine does not allow the start; the message is one line for a person."""
