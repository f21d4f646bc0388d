"""Finds Python modules and the modules that they import, from their text: nothing is imported or run."""

import ast
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

SOURCE_SUFFIXES = (".py", ".pyx", ".so", ".pyd")
"""Suffixes of the files of a package that are code."""
OWN_PACKAGES = {
    **{"egobench": "egobench", "egobench_baselines": "baselines"},
    **{"egomini": "egomini", "egotwin_ref": "egotwin_ref"},
}
"""Packages of this suite, and the folder of each."""
SUITE = Path(__file__).resolve().parents[2]
"""Folder of this suite's packages."""


@lru_cache(maxsize=1024)
def module_spec(module: str) -> ModuleSpec | None:
    """Spec of a dotted module, without importing its parents; None if there is none."""
    parent, _, name = module.rpartition(".")
    if not parent:
        try:
            return find_spec(name) if name else None
        except ValueError:
            return None
    package = module_spec(parent)
    places = package.submodule_search_locations if package else None
    return PathFinder.find_spec(module, list(places)) if places else None


def code_files(module: str, file: Path | None = None) -> dict[str, Path]:
    """All code of a module, by name: its whole package (or its file), and every module of the user's own that these
    import, at the top or inside a function. Installed libraries and Python's own modules are not followed.

    Args:
        module: dotted name.
        file: its path; None looks it up.
    """
    files: dict[str, Path] = {}
    top = module.partition(".")[0]
    spec = module_spec(top) if file is None else None
    if spec is not None and spec.origin and Path(spec.origin).name == "__init__.py":
        folder = Path(spec.origin).parent
        paths = sorted(path for path in folder.rglob("*") if path.suffix in SOURCE_SUFFIXES and path.is_file())
        files = {f"{top}/{path.relative_to(folder).as_posix()}": path for path in paths}
    else:
        origin = file or _origin(module)
        if origin is not None:
            files[origin.name if file else f"{module}{origin.suffix}"] = origin
    left = list(files.items())
    while left:
        name, path = left.pop()
        for imported in _imports(path, name):
            origin_of_import = _origin(imported)
            if origin_of_import is not None and origin_of_import not in files.values() and _is_own(origin_of_import):
                files[f"{imported}{origin_of_import.suffix}"] = origin_of_import
                left.append((f"{imported}{origin_of_import.suffix}", origin_of_import))
    return files


def _imports(path: Path, name: str) -> Iterator[str]:
    """Dotted names that a file imports, absolute ones and those relative to `name` (`a.b.py` is in the package `a`)."""
    if path.suffix != ".py":
        return
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError):
        return
    package = name.removesuffix(".py").rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level and "/" not in name:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join(part for part in [*parents, base] if part)
            elif node.level:
                continue  # part of a package that is taken as a whole
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _origin(module: str) -> Path | None:
    if module.partition(".")[0] in sys.stdlib_module_names:
        return None
    spec = module_spec(module)
    origin = spec.origin if spec is not None else None
    return Path(origin) if origin and Path(origin).suffix in SOURCE_SUFFIXES else None


def _is_own(path: Path) -> bool:
    """Whether a file belongs neither to Python, nor to an installed library, nor to this suite."""
    import sysconfig

    packages = [SUITE / folder for folder in OWN_PACKAGES.values()]
    installed = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platlib", "purelib")]
    if not path.is_absolute() or {"site-packages", "dist-packages"} & set(path.parts):
        return False
    return not any(path.resolve().is_relative_to(folder) for folder in [*packages, *installed])
