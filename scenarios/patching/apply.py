"""Patches applied to the raw data of a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from lodeplan.scenarios.patching.keeping import keep, work_of_keeping
from lodeplan.scenarios.patching.paths import NoPlace, Place, TooMuchWork, Work, find_places
from lodeplan.scenarios.reading.documents import Document, Origin, from_mapping, parse_value, refuse
from lodeplan.scenarios.reading.fields import as_number
from lodeplan.schemas.patches import Patch
from lodeplan.schemas.problems import MAX_PROBLEMS, InputProblem, InvalidInput, join_path

MAX_PATCHES = 10_000
"""Patches of a scenario, or of a job, in one list."""


LEFT_OUT = Patch(op="remove", path="left_out")
"""Stands in a list for a patch whose form is wrong, which was said already; it changes nothing."""

MAX_WORK = 500_000
"""Names looked at by all patches of a list together, some 10 us each: a few `*` can mean any number of them."""
_VALUES_AS_NAME = 10
"""Values put that count as one name looked at."""
_TEXT_AS_VALUE = 50
"""Characters of a text that count as one value."""


def parse_set(text: str) -> Patch:
    """The patch in `path=value`; the value is read as YAML. Raises `InvalidInput`."""
    path, written = _split_at_equals(text)
    if not path or written is None:
        remedy = "Write path=value, such as economics.discount_rate=0.07."
        raise refuse("broken_set", "this is not of the form path=value.", value=text, remedy=remedy)
    try:
        return Patch(op="set", path=path, value=parse_value(written))
    except InvalidInput as error:
        message = f"the value is not YAML: {error.problems[0].message}"
        raise refuse("broken_set", message, path=path, value=written) from None


def apply_patches(
    document: Document,
    patches: Sequence[Patch | Mapping[str, Any]],
    label: str = "patch",
    work: Work | None = None,
) -> None:
    """Change the document by each patch in turn; what does not fit is noted among its problems.

    `work` is what several lists of patches may do together; a list alone has `MAX_WORK`.
    """
    if len(patches) > MAX_PATCHES:
        message, allowed = f"there are {len(patches):,} patches.", f"at most {MAX_PATCHES:,}"
        remedy = "Use `*` in paths, or send the changed scenario."
        raise refuse("too_many", message, path="patches", allowed=allowed, remedy=remedy)
    work = work or Work(MAX_WORK)
    for number, given in enumerate(patches, start=1):
        if len(document.problems) >= MAX_PROBLEMS:
            message = (
                f"the patches from number {number:,} on were not tried, because the earlier ones have too many errors."
            )
            raise InvalidInput(
                [*document.problems, InputProblem(code="not_tried", path=f"patches.{number - 1}", message=message)]
            )
        name = f"{label} {number}"
        if given is LEFT_OUT:
            continue
        try:
            patch = given if isinstance(given, Patch) else Patch.model_validate(given)
        except ValidationError as error:
            for item in error.errors():
                path = join_path(["patches", number - 1, *(part for part in item["loc"])])
                message = f"{item['msg']}."
                problem = InputProblem(code="broken_patch", path=path, message=message, value=item["input"], file=name)
                document.problems.append(problem)
            continue
        try:
            _apply(document, patch, name, work)
        except TooMuchWork:
            message = "the patches together read or write too much."
            remedy = "Use fewer `*` in paths, smaller values, or send the changed scenario."
            allowed = f"at most {work.allowed:,} names, and {work.allowed * _VALUES_AS_NAME:,} values"
            path = f"patches.{number - 1}"
            raise refuse("too_many", message, path=path, allowed=allowed, remedy=remedy, file=name) from None
        except NoPlace as error:
            document.problems.append(
                InputProblem(
                    code=error.code,
                    path=patch.path,
                    message=str(error),
                    value=patch.value,
                    file=name,
                    remedy=error.remedy,
                )
            )


def _apply(document: Document, patch: Patch, name: str, work: Work) -> None:
    if patch.op == "keep":
        work.spend(work_of_keeping(document.data))
        try:
            kept = keep(document.data, patch.path, patch.value)
        except (AttributeError, KeyError, TypeError):
            # Nothing has looked at the shape of the data yet, and `keep` reads all of it.
            message = "the scenario, or an earlier patch, has a value of the wrong type or a missing field."
            raise NoPlace("broken_patch", message, "Remove this patch to see the error.") from None
        document.write_over([(section,) for section in kept], Origin(name))
        return
    places = find_places(document.data, patch.path, make=patch.op in ("set", "add"), work=work)
    work.spend(len(places) * count_values(patch.value) // _VALUES_AS_NAME)
    if as_number(patch.value) is not None and patch.op in ("add", "scale"):
        work.spend(sum(place.count() for place in places) // _VALUES_AS_NAME)
    change = {"set": _set, "add": _add, "scale": _scale, "remove": _remove}[patch.op]
    # From the last to the first, so that removing an item of a list does not move those still to be changed.
    changed = [place.keys for place in reversed(places) if change(place, patch.value)]
    if not changed:
        message = "there is nothing here to change."
        raise NoPlace("patch_without_effect", message, "Use `set` to put a value.")
    document.write_over(changed, Origin(name))


def _set(place: Place, value: Any) -> bool:
    place.put(_copy(value))
    return True


def _remove(place: Place, _value: Any) -> bool:
    if not place.exists:
        return False
    place.drop()
    return True


def _scale(place: Place, value: Any) -> bool:
    factor = as_number(value)
    if factor is None:
        raise NoPlace("broken_patch", "`scale` needs a number to multiply by.")
    return _change_numbers(place, lambda number: number * factor, "`scale` multiplies a number, or numbers by year")


def _add(place: Place, value: Any) -> bool:
    present = place.get()
    if isinstance(value, Mapping):
        return _add_keys(place, present, value)
    if isinstance(present, list):
        present.extend(_copy(value if isinstance(value, list) else [value]))
        place.put(present)
        return True
    amount = as_number(value)
    if amount is None:
        raise NoPlace("broken_patch", "`add` adds a number, an item of a list or keys of a mapping; none fits here.")
    return _change_numbers(place, lambda number: number + amount, "`add` adds to a number, or to numbers by year")


def _add_keys(place: Place, present: Any, value: Mapping[str, Any]) -> bool:
    present = {} if present is None else present
    if isinstance(present, list):
        present.append(_copy(value))
        place.put(present)
        return True
    if not isinstance(present, dict):
        raise NoPlace("broken_patch", "`add` cannot add keys to a value without keys.", "Use `set`.")
    added = _copy(value)
    twice = sorted(added.keys() & present.keys())
    if twice:
        message = f"{', '.join(map(repr, twice))} exists already."
        raise NoPlace("exists_already", message, "Use `set` to replace it, or choose another name.")
    present.update(added)
    place.put(present)
    return True


def _change_numbers(place: Place, change: Any, what: str) -> bool:
    """Change a number, or each number by year; False if nothing is there and nothing holds by default."""
    present = place.get()
    if present is None:
        if place.by_pattern:
            return False
        remedy = "There is no value here and no default; use `set`."
        raise NoPlace("patch_without_effect", f"{what}.", remedy)
    number = as_number(present)
    if number is not None:
        place.put(change(number))
        return True
    numbers = {key: as_number(item) for key, item in present.items()} if isinstance(present, Mapping) else {}
    if not numbers or None in numbers.values():
        raise NoPlace("broken_patch", f"{what}; this is something else.", "Name the numbers below it.")
    place.put({key: change(item) for key, item in numbers.items()})
    return True


def _copy(value: Any) -> Any:
    """Plain data of its own, so that a patch that hits several places does not tie them together."""
    return from_mapping({"value": value}).data["value"]


def count_values(value: Any) -> int:
    """Count the values in raw data; texts count by length."""
    if isinstance(value, Mapping):
        return 1 + sum(count_values(key) + count_values(item) for key, item in value.items())
    if isinstance(value, list):
        return 1 + sum(map(count_values, value))
    return 1 + len(value) // _TEXT_AS_VALUE if isinstance(value, str) else 1


def _split_at_equals(text: str) -> tuple[str, str | None]:
    """The text before and after the first `=` outside quotes."""
    quote = ""
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "=":
            return text[:index].strip(), text[index + 1 :]
    return text, None
