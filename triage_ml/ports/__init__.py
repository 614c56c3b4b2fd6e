"""What the use cases need from the outside: one file for each thing outside."""

from triage_ml.ports.access import (
    SEEN_EVERY,
    AccountStore,
    ApiKey,
    Who,
)
from triage_ml.ports.care import (
    CareStore,
)
from triage_ml.ports.cases import (
    Admit,
    CaseEvent,
    CaseStore,
    ClaimRequest,
    Delivery,
    History,
    HistoryWindow,
    ItemVersion,
    QueueDepth,
    Receipt,
    StepFunction,
    StoredAppeal,
    StoredReport,
    Submission,
)
from triage_ml.ports.clock import (
    Clock,
)
from triage_ml.ports.drift import (
    DriftStore,
)
from triage_ml.ports.feedback import (
    ErasedItem,
    FeedbackStore,
    Place,
)
from triage_ml.ports.insight import (
    MAX_COUNTED,
    AuthorHistory,
    HintOutcomes,
    InsightStore,
    PastDecision,
    SimilarCase,
)
from triage_ml.ports.labelling import (
    LabellingStore,
)
from triage_ml.ports.leads import (
    LeadStore,
)
from triage_ml.ports.means import (
    MeansStore,
)
from triage_ml.ports.models import (
    LiveModel,
    ModelArtifact,
    ModelStore,
)
from triage_ml.ports.policies import (
    KeptPolicy,
    PolicyStore,
    PolicyUse,
)
from triage_ml.ports.records import (
    RecordStore,
    ScoreRecord,
)
from triage_ml.ports.replay import (
    FoundModel,
    KeptText,
    ModelUse,
    PastModels,
    ReplayStore,
)
from triage_ml.ports.rollout import (
    RolloutStore,
)
from triage_ml.ports.scoring import (
    Answer,
    Answered,
    Engine,
    LanguageDetector,
    ModelInfo,
    Piece,
    Scorer,
)
from triage_ml.ports.simulate import (
    ComparisonStore,
    HandlingFact,
    LiveModels,
)
from triage_ml.ports.trends import (
    TrendStore,
)

__all__ = [
    "MAX_COUNTED",
    "SEEN_EVERY",
    "AccountStore",
    "Admit",
    "Answer",
    "Answered",
    "ApiKey",
    "AuthorHistory",
    "CareStore",
    "CaseEvent",
    "CaseStore",
    "ClaimRequest",
    "Clock",
    "ComparisonStore",
    "Delivery",
    "DriftStore",
    "Engine",
    "ErasedItem",
    "FeedbackStore",
    "FoundModel",
    "HandlingFact",
    "HintOutcomes",
    "History",
    "HistoryWindow",
    "InsightStore",
    "ItemVersion",
    "KeptPolicy",
    "KeptText",
    "LabellingStore",
    "LanguageDetector",
    "LeadStore",
    "LiveModel",
    "LiveModels",
    "MeansStore",
    "ModelArtifact",
    "ModelInfo",
    "ModelStore",
    "ModelUse",
    "PastDecision",
    "PastModels",
    "Piece",
    "Place",
    "PolicyStore",
    "PolicyUse",
    "QueueDepth",
    "Receipt",
    "RecordStore",
    "ReplayStore",
    "RolloutStore",
    "ScoreRecord",
    "Scorer",
    "SimilarCase",
    "StepFunction",
    "StoredAppeal",
    "StoredReport",
    "Submission",
    "TrendStore",
    "Who",
]
