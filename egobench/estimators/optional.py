"""Optional packages of the extra `slam`: their versions, without importing them."""

from importlib.metadata import PackageNotFoundError, version

from egobench.errors import BadInputError

OPENCV = ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python")
"""All of them install the module `cv2`."""
PYCOLMAP = ("pycolmap", "pycolmap-cuda12")


def opencv_version() -> str:
    """Raises BadInputError, code `extra-missing`."""
    return _first_version("OpenCV", OPENCV)


def pycolmap_version() -> str:
    """Raises BadInputError, code `extra-missing`."""
    return _first_version("pycolmap", PYCOLMAP)


def _first_version(what: str, distributions: tuple[str, ...]) -> str:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    text = f"{what} is not installed; `pip install 'egobench[slam]'` brings it"
    raise BadInputError(text, code="extra-missing")
