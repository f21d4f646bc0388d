"""Versions of the optional packages of the extra `slam`, without importing them."""

from importlib.metadata import PackageNotFoundError, version

from egobench.errors import BadInputError

OPENCV = ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python")
"""Each of these packages installs the module `cv2`."""
PYCOLMAP = ("pycolmap", "pycolmap-cuda12")


def opencv_version() -> str:
    """Version of the installed package. Raises BadInputError, code `extra-missing`."""
    return _first_version("OpenCV", OPENCV)


def pycolmap_version() -> str:
    """Version of the installed package. Raises BadInputError, code `extra-missing`."""
    return _first_version("pycolmap", PYCOLMAP)


def _first_version(what: str, distributions: tuple[str, ...]) -> str:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    text = f"{what} is not installed; `pip install 'egobench[slam]'` brings it"
    raise BadInputError(text, code="extra-missing")
