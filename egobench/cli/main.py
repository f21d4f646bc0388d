"""`egobench`: the table of verbs, and the exit code of the process. A verb's module is imported only for that verb.

Nothing heavy may be imported here. `egobench --help` takes little longer than the start of Python.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from egobench import __version__
from egobench.cli.quiet import hush_matplotlib, is_debug, take_debug, take_quiet
from egobench.cli.stand_ins import use_stand_ins
from egobench.cli.stdout import data_stream, give_up, keep_for_data, print
from egobench.errors import EgoBenchError, UnknownNameError
from egobench.files.patient import patient

VERBS: dict[str, tuple[str, str]] = {
    "run": ("run:run", "sample a model on a split, score it, write a run"),
    "check": ("check:main", "look a folder of samples over; --example writes a valid one"),
    "score": ("run:score", "score a folder of samples that were made elsewhere"),
    "resume": ("run:resume", "finish an interrupted run"),
    "rescore": ("run:rescore", "more metrics for a finished run, from the samples it kept"),
    "verify": ("verify:main", "is a run what it was? find every later edit, derive a share again"),
    "report": ("show:report", "a finished run as pages that open from disk"),
    "cite": ("show:cite", "BibTeX of what a run used: suite, metrics' papers, weights"),
    "runs": ("runs", "list, show, prune and export runs"),
    "table": ("show:table", "finished runs side by side"),
    "compare": ("compare:main", "is run B better, worse or the same as run A, clip by clip?"),
    "gate": ("gate:gate", "fail where a run is worse than its baseline, for CI"),
    "baseline": ("gate", "write or show the file that a gate holds runs against"),
    "list": ("list:main", "names of models, metrics, splits, extractors, engines"),
    "describe": ("describe:main", "what stands behind a name: definition, options, defaults"),
    "schema": ("schema:main", "JSON Schemas of the files that are written"),
    "doctor": ("doctor:main", "is everything here that a run needs?"),
    "data": ("data", "make, verify, list and look at splits and clips"),
    "train": ("fit:train", "train a model that brings a recipe, stage by stage"),
    "fit": ("fit:fit", "train an evaluator again"),
    "calibrate": ("validate:calibrate", "what an estimator gets wrong where the truth is known, as a card"),
    "plot": ("show:plot", "one sample: the camera's path against the head's, hands, errors over time"),
    "validate-metrics": ("validate:validate_metrics", "does every metric notice the faults that it must?"),
    "weights": ("weights", "weight files of the standard extractors: list, pull, verify, add"),
    "conformance": ("validate", "vectors that hold another library to the same numbers"),
    "leaderboard": ("leaderboard", "add runs to a board, build its tables, check the paper's claims"),
    "completion": ("completion:main", "completion of verbs, options and names for bash, zsh and fish"),
}
"""Verb → (`file:function` in egobench/cli/verbs, or a file whose `ACTIONS` has the verb; one line of help)."""

DRAWING = ("calibrate", "data", "leaderboard", "plot", "report", "train", "validate-metrics")
"""Verbs that draw pictures."""

FIRST_STEPS = (
    ("egobench doctor", "is the machine ready?"),
    ("egobench list", "what there is"),
    ("egobench describe i-fid", "what a metric is and how it can be fooled"),
    ("egobench data sheet --split egomini-test", "a picture of the data"),
    ("egobench run --model static --split egomini-smoke", "a first run with its table"),
    ("egobench check --example my-samples", "what a folder of your own samples looks like"),
)
EXIT_CODES = (
    *((0, "ok"), (1, "regressed"), (2, "bad input or usage"), (3, "not comparable")),
    *((4, "incomplete: more items failed than allowed"), (5, "inconclusive under --strict")),
    *((70, "internal error"), (130, "interrupted, can be resumed")),
)
INTERNAL_ERROR, INTERRUPTED, USAGE = 70, 130, 2
RESUME_ADVICE = {
    "run": "continue with `egobench resume RUN`",
    "score": "continue with `egobench resume RUN`",
    "resume": "continue with `egobench resume RUN`",
    "rescore": "`egobench resume RUN` puts the run in order",
    "data": "the same command goes on where it stopped",
    "train": "the same command goes on from the last checkpoint",
    "validate-metrics": "the same command goes on where it stopped",
}


def console() -> None:
    """Entry point of the installed command."""
    use_stand_ins()
    if sys.stderr is not None:
        sys.stderr = patient(sys.stderr)
    keep_for_data()
    code = main()
    if code == INTERRUPTED:  # a second Ctrl-C must not print a traceback while worker processes end
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code. Known errors are printed as one line on stderr."""
    arguments = take_debug(take_quiet(list(sys.argv[1:] if argv is None else argv)))
    verb = arguments[0] if arguments else ""
    try:
        code = dispatch(verb, arguments[1:])
        data_stream().flush()
        return code
    except SystemExit as stop:  # argparse and tyro exit like this after printing
        return _code_of(stop)
    except BrokenPipeError:  # the reader has closed the pipe, as in `egobench list | head -1`
        give_up()
        return 0
    except KeyboardInterrupt as interrupt:  # the run says how to resume it
        advice = RESUME_ADVICE.get(verb)
        _say(str(interrupt) or "interrupted" + (f"; {advice}" if advice else ""))
        return INTERRUPTED
    except EgoBenchError as error:
        _trace(is_debug())
        _say(" ".join(str(error).split()))
        return error.exit_code
    except Exception as error:
        if place := _unusable_place(error):
            _trace(is_debug())
            _say(place)
            return USAGE
        _trace(True)
        _say("this is a bug; please report it with the lines above and the output of `egobench doctor --json`")
        return INTERNAL_ERROR


def help_text() -> str:
    """The text of `egobench --help`."""
    width = max(len(command) for command, _ in FIRST_STEPS)
    lines = ["usage: egobench VERB …      (`egobench VERB --help` for its options)", "", "verbs"]
    lines += [f"  {verb:<16} {line}" for verb, (_, line) in VERBS.items()]
    lines += ["", "first steps"]
    lines += [f"  {command:<{width}}  {line}" for command, line in FIRST_STEPS]
    lines += ["", "exit codes"]
    lines += [f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES]
    lines += ["", "Data go to stdout, progress and diagnostics to stderr. Every verb takes --json, --quiet for no"]
    lines += ["progress and no notes, and --debug for the traceback of an error."]
    lines += ["`egobench completion SHELL` prints what completes all this on TAB."]
    return "\n".join(lines)


def home_of(verb: str) -> tuple[str, str]:
    """Module of a verb and its function there. The function is empty if the verb has actions."""
    file, _, function = VERBS[verb][0].partition(":")
    return f"egobench.cli.verbs.{file}", function


def dispatch(verb: str, rest: list[str]) -> int:
    """Runs one verb and returns its exit code. Every error is raised."""
    if verb in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if verb in ("-V", "--version"):
        print(f"egobench {__version__}")
        return 0
    if not verb:
        print(help_text(), file=sys.stderr)
        return USAGE
    if verb not in VERBS:
        from egobench.registry import unknown

        raise UnknownNameError(unknown("verbs", verb, list(VERBS)))
    if verb in DRAWING:
        hush_matplotlib()
    # A user's own model, `--model my_file:Class`, is in the current folder. The folder is last, so it shadows nothing.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    module, function = home_of(verb)
    home = import_module(module)
    if function:
        return getattr(home, function)(rest)
    from egobench.cli.options import pick

    action, rest = pick(verb, home.ACTIONS[verb], rest)
    return action(rest)


def _code_of(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    _say(str(stop.code))
    return USAGE


def _unusable_place(error: Exception) -> str:
    """One line about a path that cannot be used, such as a folder under a file; empty for any other error."""
    places = (FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError, PermissionError)
    if isinstance(error, FileNotFoundError) and not _has_working_folder():
        return "the folder that this was called from is no longer there; go into one that is"
    if not isinstance(error, places) or not error.filename:
        return ""
    return f"{error.filename}: {error.strerror}; another place is needed (--debug shows where this was met)"


def _has_working_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _trace(wanted: bool) -> None:
    """Prints the traceback of the current error on stderr."""
    if wanted:
        import traceback

        traceback.print_exc()


def _say(line: str) -> None:
    print(f"egobench: {line}", file=sys.stderr)
