"""The parts of the benchmark: each measures one thing and gives JSON, and is done once."""

import importlib.metadata
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.load import limit, offline
from benchmarks.load.batch import score_file
from benchmarks.load.measure import (
    Limits,
    Loader,
    Say,
    idle_latency,
    repeated_capacity,
)
from benchmarks.load.mix import Mix, plain_tokenizer
from benchmarks.load.offline import Alone
from benchmarks.load.overload import overload
from benchmarks.load.peers import MODEL, PEERS, PLACE, Peer, PeerMissing, Setting
from benchmarks.load.processes import StartFailed, cpu_busy_share, describe_machine
from benchmarks.load.targets import ROOT, OurService, wait_until_idle
from benchmarks.peers.weights import write_model
from triage_ml.inference.artifact import SHIPPED, file_hash, load_artifact

SCORE_P99_MS = 200.0
REPORTS_P99_MS = 250.0
OVERLOAD_SECONDS = 60.0
ALONE_SECONDS = 3.0
START_RATE = 20.0
"""Requests a second where a search begins."""
SERVED_PACKAGES = ("onnxruntime", "tokenizers", "numpy", "fastapi", "uvicorn", "pydantic")
Found = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How long and how often is measured; `parts` is the folder of what is done."""

    seconds: float
    probe_seconds: float
    repeats: int
    texts: int
    score_texts: int
    idle_texts: int
    parts: Path
    fresh: bool
    seed: int = 1


class Bench:
    """Runs the parts; one that is done is read instead."""

    def __init__(self, options: Options, say: Say) -> None:
        self.options = options
        self.say = say
        self.artifact = load_artifact(SHIPPED)
        self.n_cores = len(os.sched_getaffinity(0))

    @property
    def all_parts(self) -> dict[str, Callable[[], Found]]:
        own: dict[str, Callable[[], Found]] = {
            "machine": self.machine,
            "limit": self.limit,
            "offline": self.offline,
            "service_start": self.service_start,
            "service_score": self.service_score,
            "service_wave": self.service_wave,
            "service_reports": self.service_reports,
            "overload_score": lambda: self.overload("score"),
            "overload_reports": lambda: self.overload("reports"),
            "score_file": self.score_file,
        }
        return own | {f"peer_{peer.name}": self._peer_part(peer) for peer in PEERS}

    def run(self, wanted: list[str]) -> None:
        """Run the wanted parts (all if none is named) that are not done for this model."""
        parts = self.all_parts
        if strange := set(wanted) - parts.keys():
            raise SystemExit(f"no part {min(strange)}; there are {', '.join(parts)}")
        for name, measure in parts.items():
            if wanted and name not in wanted:
                continue
            if not self.options.fresh and self.find(name) is not None:
                self.say(f"{name}: done before")
                continue
            self.say(f"{name}: begins")
            self._store(name, measure)

    def get(self, name: str) -> Found:
        """Give what a part found; it is run if it was not."""
        found = self.find(name)
        if found is None:
            self.say(f"{name}: begins, another part needs it")
            found = self._store(name, self.all_parts[name])
        return found

    def find(self, name: str) -> Found | None:
        """Give what a part found with this model and these lengths of measuring, if it has."""
        path = self._path(name)
        if not path.is_file():
            return None
        found: Found = json.loads(path.read_text("utf-8"))
        return found if found["of"] == self._stamp else None

    def _path(self, name: str) -> Path:
        return self.options.parts / f"{name}.json"

    def _store(self, name: str, measure: Callable[[], Found]) -> Found:
        busy = cpu_busy_share()
        if busy > 0.1:
            self.say(f"  {busy:.0%} of the processor is in use by something else")
        began = datetime.now(UTC)
        found = {
            "of": self._stamp,
            "began_at": began.isoformat(timespec="seconds"),
            "busy_before": round(busy, 3),
            **measure(),
            "took_seconds": round((datetime.now(UTC) - began).total_seconds(), 1),
        }
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        draft.replace(path)
        return found

    @cached_property
    def _stamp(self) -> dict[str, Any]:
        """What results must agree on to stand in one table."""
        return {
            "model_version": self.artifact.manifest.model_version,
            "model_sha256": file_hash(self.artifact.model_path)[:16],
            "seconds": self.options.seconds,
            "probe_seconds": self.options.probe_seconds,
            "repeats": self.options.repeats,
            "texts": self.options.texts,
            "n_cores": self.n_cores,
        }

    # What is measured

    def machine(self) -> Found:
        return {
            **describe_machine(),
            "packages": {name: importlib.metadata.version(name) for name in SERVED_PACKAGES},
        }

    def limit(self) -> Found:
        work = limit.count_work(self.artifact.model_path)
        bare = offline.Bare(self.artifact)
        texts = self._mix().take(self.options.texts)
        macs = work.macs([len(window.ids) for window in bare.windows(texts)]) / len(texts)
        peak = limit.peak_macs(self.n_cores, seconds=0.5)
        return {
            "macs_per_token": work.per_token,
            "macs_per_text": round(macs),
            "peak": peak,
            "texts_per_second": round(1e9 * peak["best"]["int8"] / macs, 1),
        }

    def offline(self) -> Found:
        bare = offline.Bare(self.artifact)
        texts = self._mix().take(self.options.texts)
        return offline.best_batch(bare, texts, self.n_cores, self.options.probe_seconds)

    def service_start(self) -> Found:
        with OurService("score") as service:
            service.restart()
            self._loader(service, SCORE_P99_MS).first_requests()
            return {
                "first_start_seconds": round(service.ready_seconds, 2),
                "start_seconds": round(service.again_seconds, 2),
                "memory": service.memory_parts(),
            }

    def service_score(self) -> Found:
        bare = offline.Bare(self.artifact)
        session = bare.session(1)
        mix = self._mix()
        with OurService("score") as service:
            loader = self._loader(service, SCORE_P99_MS, mix)
            loader.first_requests()
            texts = mix.take(self.options.idle_texts)
            idle = idle_latency(
                service, texts, lambda text: offline.single_call_ms(bare, session, text)
            )
            found = repeated_capacity(loader, START_RATE, self.options.repeats, self._alone)
            start = round(service.ready_seconds, 2)
            memory = service.memory_parts()
            return {"start_seconds": start, "idle": idle, **found, "memory": memory}

    def service_wave(self) -> Found:
        mix = self._mix()
        with OurService("score") as service:
            loader = Loader(
                service, mix.take_wave, self._limits(SCORE_P99_MS), self.say, self.options.seed
            )
            return repeated_capacity(loader, START_RATE, self.options.repeats, self._alone)

    def service_reports(self) -> Found:
        mix = self._mix()
        with OurService("reports") as service:
            loader = self._loader(service, REPORTS_P99_MS, mix)
            loader.first_requests()
            idle = idle_latency(service, mix.take(self.options.idle_texts))
            found = repeated_capacity(loader, START_RATE, self.options.repeats, self._alone)
            start = round(service.ready_seconds, 2)
            memory = service.memory_parts()
            return {"start_seconds": start, "idle": idle, **found, "memory": memory}

    def overload(self, kind: str) -> Found:
        limit_ms = SCORE_P99_MS if kind == "score" else REPORTS_P99_MS
        capacity = float(self.get(f"service_{kind}")["capacity"])
        if not capacity:
            return {"problem": "no capacity was found"}
        with OurService(kind) as service:
            loader = self._loader(service, limit_ms)
            loader.first_requests()
            wait_until_idle(service)
            return overload(loader, service, capacity, max(self.options.seconds, OVERLOAD_SECONDS))

    def score_file(self) -> Found:
        before = self._alone()
        found = score_file(self._mix().take(self.options.score_texts), self.n_cores)
        alone = (before + self._alone()) / 2
        return {**found, "alone": round(alone, 1), "share": found["texts_per_second"] / alone}

    # The peers

    def _peer_part(self, peer: Peer) -> Callable[[], Found]:
        return lambda: self._peer(peer)

    def _peer(self, peer: Peer) -> Found:
        about = {"about": peer.about}
        try:
            self._weights()
            self.say(f"  {peer.name}: making its environment")
            python = peer.make()
            found = about | {"versions": peer.versions(python)}
        except PeerMissing as error:
            self.say(f"  {peer.name}: {error}")
            return about | {"problem": _told(error)}
        settings = peer.settings(python, self.artifact.folder)
        tried = [self._try(peer, s) for s in settings] if len(settings) > 1 else []
        found["tried"] = tried
        rates = [float(row.get("capacity", 0.0)) for row in tried]
        best = settings[rates.index(max(rates))] if tried else settings[0]
        try:
            return found | self._measure_peer(peer, best, 0.75 * max(rates, default=START_RATE))
        except StartFailed as error:
            return found | {"problem": _told(error)}

    def _try(self, peer: Peer, setting: Setting) -> Found:
        """Search once, with short windows."""
        try:
            with peer.service(setting, self.artifact.manifest.text_prefix) as service:
                short = Limits(self.options.probe_seconds, self.options.probe_seconds, SCORE_P99_MS)
                loader = Loader(service, self._mix().take, short, self.say, self.options.seed)
                found = repeated_capacity(loader, START_RATE, 1)
        except (StartFailed, OSError) as error:
            self.say(f"  {peer.name} {setting.name}: {error}")
            return {"setting": setting.name, "problem": _told(error)}
        return {"setting": setting.name, "capacity": found["capacity"]}

    def _measure_peer(self, peer: Peer, setting: Setting, start: float) -> Found:
        mix = self._mix()
        with peer.service(setting, self.artifact.manifest.text_prefix) as service:
            loader = self._loader(service, SCORE_P99_MS, mix)
            loader.first_requests()
            idle = idle_latency(service, mix.take(self.options.idle_texts))
            found = repeated_capacity(loader, max(start, 1.0), self.options.repeats, self._alone)
            return {
                "setting": setting.name,
                "start_seconds": round(service.ready_seconds, 2),
                "idle": idle,
                **found,
                "memory": {"service": service.memory()},
            }

    def _alone(self) -> float:
        """Measure the model alone, with the setting that was found to be the best."""
        return self._model_alone.texts_per_second(ALONE_SECONDS)

    @cached_property
    def _model_alone(self) -> Alone:
        best = self.get("offline")["best"]
        threads = offline.Threads(best["runs"], best["intra_threads"])
        texts = self._mix().take(self.options.texts)
        return Alone(offline.Bare(self.artifact), texts, best["batch_tokens"], threads)

    def _weights(self) -> None:
        """Write the model for the peers, once per model."""
        told = PLACE / "model.of"
        wanted = self._stamp["model_sha256"]
        if MODEL.is_dir() and told.is_file() and told.read_text() == wanted:
            return
        write_model(self.artifact, MODEL)
        told.write_text(wanted)

    # What they share

    def _mix(self) -> Mix:
        return Mix(plain_tokenizer(self.artifact.tokenizer_path), self.options.seed)

    def _limits(self, p99_ms: float) -> Limits:
        return Limits(self.options.seconds, self.options.probe_seconds, p99_ms)

    def _loader(self, service: OurService | Any, p99_ms: float, mix: Mix | None = None) -> Loader:
        take = (mix or self._mix()).take
        return Loader(service, take, self._limits(p99_ms), self.say, self.options.seed)


def _told(error: Exception) -> str:
    """Say what went wrong without the paths of this machine, in one line."""
    return " ".join(str(error).replace(f"{ROOT}/", "").split())
