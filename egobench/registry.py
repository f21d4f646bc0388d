"""One registry class, used once per kind of thing: names to `"module:attr"` strings, loaded on demand.

Nothing registers itself by being imported. A name is looked up in the catalogue, then among installed
entry points (`egobench.<kind>`), then, if it holds a colon, as `package.module:Name` or `folder/file.py:Name`.
"""

import contextlib
import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from egobench.errors import BadInputError, EgoBenchError, UnknownNameError

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` takes as long as starting Python; `egobench list` must be fast
    from collections.abc import Iterator
    from typing import Any


@dataclass(frozen=True)
class Registry:
    """Names of one kind (`models`, `metrics`, …)."""

    kind: str
    """Plural noun; also the entry-point group `egobench.<kind>`."""
    builtin: Mapping[str, str]
    """Catalogue: name to `"module:attr"`."""
    _found: dict[str, str] = field(default_factory=dict, repr=False)

    def targets(self) -> dict[str, str]:
        """All names to their `"module:attr"`: built-in first, then entry points; imports none of them.

        Raises:
            BadInputError: an entry point takes a built-in name.
        """
        if not self._found:
            self._found.update(self.builtin)
            for name, target in _entry_points(f"egobench.{self.kind}"):
                if self._found.get(name, target) != target:
                    raise BadInputError(
                        f"entry point '{name}' of egobench.{self.kind} ({target}) collides with {self._found[name]}; "
                        "rename it",
                        code="name-collision",
                    )
                self._found[name] = target
        return dict(self._found)

    def names(self) -> list[str]:
        """Sorted names."""
        return sorted(self.targets())

    def target(self, name: str) -> str:
        """`"module:attr"` of a name; a string with a colon is a target already.

        Raises:
            UnknownNameError: with suggestions and all known names.
        """
        if ":" in name:
            return name
        targets = self.targets()
        if name not in targets:
            raise UnknownNameError(unknown(self.kind, name, targets))
        return targets[name]

    def load(self, name: str) -> "Any":
        """Imports and returns the object behind a name.

        Raises:
            UnknownNameError: no such name, module, file or attribute.
            BadInputError: `code-load`: the module exists and raises; the message says what, in which file and line.
        """
        module_name, _, attribute = self.target(name).rpartition(":")
        try:
            with _own_folder():
                is_file = module_name.endswith(".py")
                module = _import_file(module_name) if is_file else importlib.import_module(module_name)
        except EgoBenchError:
            raise
        except (Exception, SystemExit) as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing and (module_name == missing or module_name.startswith(missing + ".")):
                hint = "; a file is given as folder/file.py:Name" if "/" in module_name else ""
                text = f"{self.kind}: no module '{module_name}' (looked up for '{name}'){hint}"
                raise UnknownNameError(text) from None
            raise BadInputError(f"'{name}' does not load: {error_with_place(error)}", code="code-load") from error
        if not hasattr(module, attribute):
            raise UnknownNameError(unknown(f"names in {module_name}", attribute, vars(module)))
        return getattr(module, attribute)


def inheriting(thing: "Any", base: type) -> "Any":
    """A copy of an object with the methods and defaults of a base class that its own class does not inherit.

    Metrics, extractors and estimators were told by their methods alone before they had base classes. Code written then
    works for one release more, and a DeprecationWarning says what to inherit.

    Raises:
        BadInputError: `class-base`: the object's class has slots, which cannot be extended.
    """
    import copy
    import warnings

    kind = type(thing)
    text = f"{kind.__module__}:{kind.__qualname__} should inherit {base.__module__}.{base.__name__}"
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or kind.__module__
    until = "a class that does not will be refused in the next release"
    warnings.warn_explicit(f"{text}; {until}", DeprecationWarning, file, 1, kind.__module__)
    adapted = copy.copy(thing)
    try:
        object.__setattr__(adapted, "__class__", _joined(kind, base))
    except TypeError:
        raise BadInputError(text, code="class-base") from None
    return adapted


@lru_cache(maxsize=64)
def _joined(kind: type, base: type) -> type:
    """A class with the name and place of `kind` that finds in `base` what `kind` lacks."""
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind.__name__, (kind, base), names)


@contextlib.contextmanager
def _own_folder() -> "Iterator[None]":
    """Undoes an `os.chdir` of the imported code, so that `--out runs` is still relative to the user's folder. In a
    worker process, where that code runs, the change stays."""
    process = sys.modules.get("multiprocessing.process")
    folder = None if process is not None and process.parent_process() is not None else os.getcwd()
    try:
        yield
    finally:
        if folder is not None and os.getcwd() != folder:
            os.chdir(folder)


def error_with_place(error: BaseException) -> str:
    """Type, message, file and line of an error in code outside the suite, in one line."""
    import traceback

    if isinstance(error, SyntaxError):
        place, message = f"{error.filename}, line {error.lineno}", error.msg
    else:
        frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith("<frozen")]
        place, message = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else "", str(error)
    return " ".join(f"{type(error).__name__}: {message} ({place})".split())


def _import_file(path: str) -> "Any":
    """Imports the module in a file. Its folder is added to the end of Python's path, so that it can import modules
    beside it."""
    from importlib.util import module_from_spec, spec_from_file_location

    file = os.path.abspath(path)
    if not os.path.isfile(file):
        raise UnknownNameError(f"no file '{path}' here ({os.getcwd()}); folder/file.py:Name or module:Name is needed")
    folder, base = os.path.split(file)
    parts = [base.removesuffix(".py")]
    while os.path.isfile(os.path.join(folder, "__init__.py")):  # a file of a package knows its package
        folder, base = os.path.split(folder)
        parts.insert(0, base)
    if folder not in sys.path:
        sys.path.append(folder)
    name = ".".join(parts)
    if len(parts) > 1:
        module = importlib.import_module(name)
        if os.path.realpath(getattr(module, "__file__", None) or "") != os.path.realpath(file):
            raise UnknownNameError(f"'{name}' is already {module.__file__}, so {path} cannot be loaded; rename one")
        return module
    name = f"{name}@{file}"  # unlike any other module's name, as `model.py` would not be
    if name not in sys.modules:
        spec = spec_from_file_location(name, file)
        assert spec is not None, "a .py file has a spec"
        assert spec.loader is not None, "a .py file has a loader"
        sys.modules[name] = module_from_spec(spec)
        try:
            spec.loader.exec_module(sys.modules[name])
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def unknown(kind: str, name: str, known: "Mapping[str, Any] | list[str]") -> str:
    """One line: the unknown name, similar ones, and the other known ones."""
    import difflib

    names = sorted(n for n in known if not n.startswith("_"))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    text = f"{name!r} is not among the {kind};"
    if not near:
        return f"{text} known: {', '.join(names) or 'none'}"
    others = ", ".join(each for each in names if each not in near)
    return f"{text} did you mean {' or '.join(map(repr, near))}?{others and f' others: {others}'}"


def _entry_points(group: str) -> list[tuple[str, str]]:
    """Names and targets of a group. `importlib.metadata` gives the same, but takes four times as long as
    `python -c pass`."""
    targets: dict[str, str] = {}
    for text in _entry_point_files(tuple(sys.path)):
        section = ""
        for line in text.splitlines():
            line = line.strip()
            if line.startswith("["):
                section = line.strip("[] ")
            elif section == group and "=" in line and not line.startswith("#"):
                name, _, target = line.partition("=")
                targets.setdefault(name.strip(), "".join(target.partition("[")[0].split()))  # without extras
    return list(targets.items())


@lru_cache(maxsize=4)
def _entry_point_files(folders: tuple[str, ...]) -> tuple[str, ...]:
    """The `entry_points.txt` of every installed package; if a package is installed twice, that of the first folder."""
    texts: dict[str, str] = {}
    for folder in folders:
        names = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
        for name in sorted(names):
            if name.endswith("-info"):
                with contextlib.suppress(OSError), open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
                    package = name.removesuffix(".egg-info").partition("-")[0].lower()
                    texts.setdefault(package, file.read().decode("utf-8", "replace"))
    return tuple(texts.values())
