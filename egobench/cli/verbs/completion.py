"""`egobench completion bash|zsh|fish`: a script for the shell, which calls `egobench completion words` on every TAB."""

from egobench.cli.plain import parse_plain
from egobench.cli.stdout import print
from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown

USAGE = """usage: egobench completion SHELL [--json]

A script that completes verbs, options and names on TAB.

  bash    eval "$(egobench completion bash)"                 in ~/.bashrc
  zsh     eval "$(egobench completion zsh)"                  in ~/.zshrc, after compinit
  fish    egobench completion fish | source                  in ~/.config/fish/config.fish
  --json  the script as JSON"""
BASH = r"""_egobench() {
    local typed="${COMP_LINE:0:COMP_POINT}" line current broken
    local -a words
    read -ra words <<< "$typed"
    [[ "$typed" == *[[:space:]] ]] && words+=("")
    current="${words[-1]}"
    broken="${current%"${current##*[:=]}"}"  # bash takes what follows a colon or an equals sign for a word of its own
    COMPREPLY=()
    while IFS= read -r line; do
        case "$line" in
            :files) compopt -o filenames 2> /dev/null; while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current") ;;
            :dirs) compopt -o filenames 2> /dev/null; while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$current") ;;
            *) COMPREPLY+=("${line#"$broken"}") ;;
        esac
    done < <("${words[0]}" completion words -- "${words[@]:1}" 2> /dev/null)
}
complete -F _egobench egobench
"""  # noqa: E501
ZSH = r"""_egobench() {
    local line
    for line in "${(@f)$(${words[1]} completion words -- "${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
        case "$line" in
            (:files) _files ;;
            (:dirs) _files -/ ;;
            ("") ;;
            (*) compadd -- "$line" ;;
        esac
    done
}
compdef _egobench egobench
"""
FISH = r"""function __egobench_words
    set -l current (commandline -ct)
    for line in (egobench completion words -- (commandline -opc)[2..-1] "$current" 2> /dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :dirs
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c egobench -f -a '(__egobench_words)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def main(arguments: list[str]) -> int:
    """Prints a script. For `words -- WORD …` it prints the possible completions of the last word."""
    if arguments[:2] == ["words", "--"]:
        from egobench.cli.words import candidates

        print("\n".join(candidates(arguments[2:])))
        return 0
    options = parse_plain(USAGE, arguments, ("--json",))
    if options.word is None:
        raise BadInputError(f"one shell is needed, of {', '.join(SCRIPTS)}; found none", code="option-form")
    if options.word not in SCRIPTS:
        raise UnknownNameError(unknown("shells", options.word, list(SCRIPTS)))
    script = SCRIPTS[options.word]
    if options.json:
        import json

        print(json.dumps({"shell": options.word, "script": script}, indent=2, sort_keys=True))
    else:
        print(script, end="")
    return 0
