"""Build the model of an experiment: fresh, continued from another one, or trained."""

import json
from dataclasses import replace

import torch
from torch import Tensor

from training.config import Experiment, Workspace, load_experiment
from training.learning import prepare
from training.learning.encoder import keep_layers, learn_upper_layers, set_dropout
from training.learning.from_artifact import rebuild
from training.learning.model import TriageModel
from training.learning.transplant import transplant
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import load_artifact


def fresh_model(
    experiment: Experiment, space: Workspace, n_outputs: int, n_sources: int = 1
) -> TriageModel:
    """Give a model to load weights of this experiment into."""
    model = _whole_model(experiment, space, n_outputs, n_sources)
    if experiment.n_layers:
        keep_layers(model.encoder, experiment.n_layers)
    return model


def model_to_train(
    experiment: Experiment, space: Workspace, outputs: tuple[str, ...], n_sources: int = 1
) -> TriageModel:
    """Give a fresh model, or one with the weights of the experiment it continues."""
    model = _whole_model(experiment, space, len(outputs), n_sources)
    if experiment.start_from:
        other = Workspace(space.root.parent / experiment.start_from)
        before = load_experiment(experiment.start_from).n_layers
        if before:
            keep_layers(model.encoder, before)
        transplant(
            model,
            read_weights(other),
            base_ids=prepare.read_base_ids(space),
            other_base_ids=prepare.read_base_ids(other),
            outputs=outputs,
            other_outputs=_outputs_of(other),
        )
    if experiment.n_layers:
        keep_layers(model.encoder, experiment.n_layers)
    return model


def blended_model(
    experiment: Experiment, space: Workspace, outputs: tuple[str, ...]
) -> TriageModel:
    """Average the weights of the experiment that is continued with those of `blend_with`.

    Between two runs of one descent the average ranks better than either.
    Source: Wortsman et al. 2022, Model soups.
    """
    other = replace(experiment, start_from=experiment.blend_with)
    model = model_to_train(experiment, space, outputs)
    weights = model_to_train(other, space, outputs).state_dict()
    with torch.no_grad():
        for name, value in model.state_dict().items():
            value.lerp_(weights[name], experiment.blend_share)
    return model


def teacher_of(
    experiment: Experiment, space: Workspace, outputs: tuple[str, ...]
) -> TriageModel | None:
    """Give the model whose logits are learned, if the experiment has one.

    An artifact that is continued teaches itself as it was. Raises: InvalidInput when a trained one
    reads other tokens or gives other outputs.
    """
    if experiment.from_artifact and experiment.keep_weight:
        with torch.random.fork_rng():
            return _continued(experiment, space, 1).eval()
    if not experiment.distil_from:
        return None
    name = experiment.distil_from
    other, settings = Workspace(space.root.parent / name), load_experiment(name)
    if not other.report("train").is_file():
        raise InvalidInput("distil_from", f"{name} is not trained: no {other.report('train')}")
    own = prepare.read_base_ids(space), outputs, experiment.text_prefix
    if own != (prepare.read_base_ids(other), _outputs_of(other), settings.text_prefix):
        raise InvalidInput("distil_from", f"{name} has other tokens or outputs")
    with torch.random.fork_rng():  # a resumed pupil goes on as if it had not been built
        return trained_model(settings, other, len(outputs))


def trained_model(experiment: Experiment, space: Workspace, n_outputs: int) -> TriageModel:
    """Give the trained model. Raises: InvalidInput when there is none."""
    state = read_weights(space)
    model = fresh_model(experiment, space, n_outputs, len(state["source_bias.weight"]))
    model.load_trained_state(state)
    return model.eval()


def _whole_model(
    experiment: Experiment, space: Workspace, n_outputs: int, n_sources: int
) -> TriageModel:
    if experiment.from_artifact:
        return _continued(experiment, space, n_sources)
    torch.manual_seed(experiment.seed)  # the heads start the same in every process
    encoder = prepare.load_encoder(space, experiment)
    set_dropout(encoder, experiment.encoder_dropout)
    return TriageModel(
        encoder,
        n_outputs,
        experiment.dropout,
        train_embeddings=experiment.embedding_learning_rate > 0,
        keep_embeddings=bool(experiment.start_from),
        n_sources=n_sources,
    )


def _continued(experiment: Experiment, space: Workspace, n_sources: int) -> TriageModel:
    """Give the champion's model, its lower layers fixed where the experiment says so."""
    model = rebuild(
        load_artifact(space.champion),
        n_sources,
        experiment.dropout,
        train_embeddings=experiment.embedding_learning_rate > 0,
    ).model
    set_dropout(model.encoder, experiment.encoder_dropout)
    if experiment.trained_layers:
        learn_upper_layers(model.encoder, experiment.trained_layers)
    return model


def read_weights(space: Workspace) -> dict[str, Tensor]:
    if not space.model.is_file():
        raise InvalidInput(str(space.model), "no model; run `python -m training train` first")
    weights: dict[str, Tensor] = torch.load(space.model, "cpu", weights_only=True)
    return weights


def _outputs_of(space: Workspace) -> tuple[str, ...]:
    path = space.report("prepare")
    if not path.is_file():
        raise InvalidInput(str(path), "the experiment to continue was not prepared")
    return tuple(json.loads(path.read_text("utf-8"))["outputs"])
