"""Show what a model file holds.

The file is checked and described from its record alone: no estimator is built.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from deltarule.cli import arguments
from deltarule.cli.output import Output, bytes_text, counted, shown, text_table

if TYPE_CHECKING:
    from deltarule.network import Network
    from deltarule.persistence import Model

DESCRIPTION = """\
Check a model file and show what it holds: the network, the target, what every column
of the table becomes, and what the training found out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    arguments.add_model(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Read, check, show."""
    from deltarule.persistence import network_record, read
    from deltarule.tables import TableEnsemble
    from deltarule.tables.model import from_model

    model = read(args.model)
    # Every section is checked, as it would be to predict.
    found = from_model(model, args.model)
    size = os.path.getsize(args.model)
    if isinstance(found, TableEnsemble):
        table = {
            "target": found.target.record(),
            "columns": found.columns.record(),
            "report": dict(found.report),
        }
        return _inspect_ensemble(args, out, found.estimator, table, model)
    if hasattr(found, "members_"):
        columns = {"columns": found.columns_.record()}
        return _inspect_ensemble(args, out, found, columns, model)
    out.result(
        {
            "command": "inspect",
            "model": args.model,
            "bytes": size,
            "kind": model.kind,
            "dtype": model.parameters.dtype.name,
            "parameters": model.parameters.network.size,
            "network": network_record(model.parameters.network),
            **{name: model.sections.get(name) for name in ("estimator", "table")},
            "versions": dict(model.versions),
        }
    )
    out.line(f"{args.model}: {model.kind}, {bytes_text(size)}, checksum right")
    out.lines(*_network_lines(model.parameters.network, model.parameters.dtype.name))
    out.lines(*_estimator_lines(model), *_table_lines(model.sections.get("table")))
    out.line(_written_by(model))
    return 0


def _inspect_ensemble(
    args: argparse.Namespace, out: Output, estimator: Any, table: dict[str, Any], model: Model
) -> int:
    """A tabular estimator, with its columns and, where it has a table's target, that."""
    from deltarule.persistence import network_record

    size = os.path.getsize(args.model)
    first, count = estimator.members_[0], len(estimator.members_)
    out.result(
        {
            "command": "inspect",
            "model": args.model,
            "bytes": size,
            "kind": model.kind,
            "dtype": first.dtype.name,
            "networks": count,
            "parameters": count * first.network.size,
            "network": network_record(first.network),
            "table": table,
            "versions": dict(model.versions),
        }
    )
    out.line(f"{args.model}: {model.kind}, {bytes_text(size)}, checksum right")
    alike = " of one architecture" if count > 1 else ""
    out.line(f"ensemble    {counted(count, 'network')}{alike} and a linear model")
    out.lines(*_network_lines(first.network, first.dtype.name))
    if hasattr(estimator, "classes_"):
        values = estimator.classes_.tolist()
        out.line(f"classes     {len(values)}: {_some(values)}")
    out.lines(*_table_lines(table), _written_by(model))
    return 0


def _written_by(model: Model) -> str:
    written = ", ".join(f"{name} {version}" for name, version in sorted(model.versions.items()))
    return f"written by  {written}"


def _network_lines(network: Network, dtype: str) -> list[str]:
    lines = [
        f"network     {'-'.join(map(str, network.widths))}, {network.size} parameters, {dtype}"
    ]
    for index, layer in enumerate(network.layers):
        blocks = sum(slot.block.size for slot in network.slots(index))
        what = [f"{layer.name} {layer.inputs} → {layer.units}"]
        if layer.name == "dropout":  # neither an activation nor numbers
            what.append(f"rate {layer.record()['rate']:g}")
        else:
            what += [_option_text(layer.bends.record()), counted(blocks, "parameter")]
        lines.append(f"  layer {index}   {', '.join(what)}")
    losses = dict.fromkeys(_option_text(head.loss.record()) for head in network.heads)
    return [*lines, f"loss        {'; '.join(losses)}"]


def _head_lines(network: Network, names: list[dict[str, Any]], heat: Any) -> list[str]:
    """The heads, where there are several or they are named; `heat` is a temperature for each."""
    if len(network.heads) == 1 and not names:
        return []
    rows = [["heads", "outputs", "what it learns"]]
    for index, head in enumerate(network.heads):
        known = names[index] if index < len(names) else {}
        first, last = head.columns[0], head.columns[1] - 1
        what = [_option_text(head.loss.record()), network.head_activation(head).name]
        if head.weight != 1:
            what.append(f"weight {head.weight:g}")
        if known.get("classes"):
            values = known["classes"]["values"]
            what.append(f"{counted(len(values), 'class', 'classes')}: {_some(values)}")
        if head.class_weights:
            what.append(f"class weights {_some([f'{each:g}' for each in head.class_weights])}")
        if isinstance(heat, list) and heat[index] is not None:
            what.append(f"temperature {heat[index]:.4g}")
        rows.append(
            [
                f"  {known.get('name', index)}",
                f"{first}" if first == last else f"{first} to {last}",
                f"{known['kind']}, {', '.join(what)}" if "kind" in known else ", ".join(what),
            ]
        )
    return _left_table(rows)


def _some(values: list[Any]) -> str:
    """The first of many values."""
    return ", ".join(map(str, values[:12])) + (", …" if len(values) > 12 else "")


def _option_text(record: Any) -> str:
    """An option as its name and fields; also as a setting of an estimator has it."""
    if not isinstance(record, dict):
        return _value_text(record)
    record = record.get("record", record)
    fields = [f"{name} {_value_text(value)}" for name, value in record.items() if name != "name"]
    name: str = record["name"]
    return f"{name} ({', '.join(fields)})" if fields else name


def _value_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_value_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _training_lines(settings: dict[str, Any]) -> list[str]:
    """What it is trained by, as the settings say it."""
    solver = _option_text(settings["solver"])
    lines = [f"solver      {solver}"]
    if solver.partition(" ")[0] != "lbfgs":
        rate, size = _option_text(settings["learning_rate"]), settings["batch_size"]
        lines.append(
            f"step size   {_value_text(settings['learning_rate_init'])}, {rate}; batch size {size}"
        )
    alpha = settings["alpha"]
    penalty = _option_text(alpha) if isinstance(alpha, dict) else f"alpha {_value_text(alpha)}"
    return [*lines, f"penalty     {penalty}"]


def _estimator_lines(model: Model) -> list[str]:
    record = model.sections.get("estimator")
    if record is None:
        return []
    history, settings = record["history"], record["settings"]
    named = record.get("heads") or {}
    heat = record.get("temperature")
    lines = _head_lines(model.parameters.network, named.get("columns", []), heat)
    if record["classes"] is not None:
        values = record["classes"]["values"]
        lines.append(f"classes     {len(values)}: {_some(values)}")
    if isinstance(heat, float):
        lines.append(f"calibrated  at temperature {heat:.4g}")
    scaled = [what for what, found in record["standardizer"].items() if found is not None]
    if scaled:
        lines.append(f"scaled      {' and '.join(scaled)}, column by column")
    lines += _training_lines(settings)
    lines.append(
        f"trained     {counted(history['epochs'], 'epoch')} on the {history['engine']} engine, "
        f"{str(history['stop_reason']).lower().replace('_', ' ')}"
    )
    return lines


def _table_lines(record: Any) -> list[str]:
    from deltarule.tables import ColumnPlan
    from deltarule.tables.description import sees

    if record is None:
        return []
    report, lines = record.get("report", {}), []
    if "target" in record:
        target = record["target"]
        lines = [f"target      {', '.join(target['names'])} ({target['task']}: {target['reason']})"]
    for who in ("network", "linear", "boosted", "naive"):
        value, spread = report.get(f"{who}_score"), report.get(f"{who}_spread")
        if isinstance(value, int | float):
            where = report.get("judged_on", "holdout")
            off = f" ± {shown(spread)}" if isinstance(spread, int | float) else ""
            name = report.get("score_name")
            lines.append(f"{who:10}  {name} {shown(value)}{off} on {where} rows")
    rows = [["columns", "kind", "what the network sees"]]
    for column in ColumnPlan.from_record(record["columns"]).columns:
        rows.append([f"  {column.name}", column.kind, sees(column)])
    return [*lines, *_left_table(rows)]


def _left_table(rows: list[list[str]]) -> list[str]:
    return text_table(rows, left=3)
