"""TAB: the right words, from the sources alone, and bash really completes with them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from egobench.catalog import METRICS, MODELS
from egobench.cli.main import VERBS, main
from egobench.cli.verbs.completion import SCRIPTS
from egobench.cli.words import FILES, FOLDERS, candidates

HEAVY = ("torch", "numpy", "tyro", "rich", "pyarrow", "jinja2", "av", "typing_extensions")


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("res", ["rescore", "resume"]),
        ("run --mo", ["--model"]),
        ("run --model shu", ["shuffled"]),
        ("run --model=shu", ["--model=shuffled"]),
        ("run --task ", ["t2vm", "tm2v", "tv2m"]),
        ("run --metrics jerk,i-", ["jerk,i-fid"]),
        ("run --dry", ["--dry-run"]),
        ("run --se", ["--seeds", "--set"]),
        ("run --out ", [FILES]),
        ("runs ", ["--help", "export", "list", "prune", "show"]),
        ("runs list --status r", ["running"]),
        ("runs list --s", ["--since", "--split", "--status"]),
        ("verify --sha", ["--share"]),
        ("verify ", [FOLDERS]),
        ("table --format t", ["terminal", "tex"]),
        ("table --qu", ["--quiet"]),
        ("leaderboard add runs/a ", [FOLDERS]),
        ("leaderboard pictures --c", ["--checkpoint", "--count"]),
        ("leaderboard pictures board --metric rot", ["rot-err"]),
        ("describe rot", ["rot-err", "rotation-chain"]),
        ("describe --kind m", ["metrics", "models"]),
        ("list sp", ["splits"]),
        ("completion z", ["zsh"]),
        ("nonsense ", []),
    ],
)
def test_words_are_those_that_may_stand_there(typed, wanted):
    assert candidates(typed.split(" ")) == wanted


def test_all_verbs_models_and_metrics_are_offered():
    assert set(VERBS) <= set(candidates([""]))
    assert candidates(["run", "--model", ""]) == MODELS.names()
    assert set(METRICS.names()) <= set(candidates(["run", "--metrics", ""]))
    for verb in VERBS:
        assert candidates([verb, "--he"]) or candidates([verb, ""]), verb


def test_a_tab_loads_nothing_heavy():
    code = "from egobench.cli.main import main; main(['completion', 'words', '--', 'run', '--model', ''])\n"
    code += f"import sys; found = [name for name in {HEAVY!r} if name in sys.modules]; assert not found, found"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == MODELS.names()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("egobench run --model st", "static"),
        ("egobench runs list --status runn", "running"),
        ("egobench run --metrics fvd:i3d.crop,i-f", "i3d.crop,i-fid"),
        ("egobench verify ru", "runs-here"),
    ],
)
def test_bash_completes(line, wanted, tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    (tmp_path / "runs-here").mkdir()
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "egobench"
    command.write_text(f'#!{bash}\nexec "{sys.executable}" -m egobench "$@"\n')
    command.chmod(0o755)
    script = 'eval "$(egobench completion bash)"; COMP_LINE=$1; COMP_POINT=${#1}; _egobench; '
    script += 'printf "%s\\n" "${COMPREPLY[@]}"; complete -p egobench'
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": root}
    done = subprocess.run(
        [bash, "--norc", "-c", script, "bash", line], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *words, registered = done.stdout.splitlines()
    assert words == [wanted]
    assert registered == "complete -F _egobench egobench"


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_parses_in_its_shell(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "completion words --" in script
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    subprocess.run([shell, "-n"], input=script, text=True, check=True, capture_output=True)


def test_a_shell_that_is_not_known_is_one_line(capsys):
    assert main(["completion", "zhs"]) == 2
    assert "did you mean 'zsh'" in capsys.readouterr().err
    assert main(["completion"]) == 2
    assert "one shell is needed" in capsys.readouterr().err
