# bash completion for hpp-launch, its other name http-process-proxy, and hpp-ctl.
#
# What can be said is asked of the program itself: --help knows each option.

# The options of "$@", a program and perhaps one of its commands.
_hpp_options() {
    "$@" --help 2>/dev/null | grep -oE -- '^  (-[a-z],)?--[a-z-]+' | grep -oE -- '--[a-z-]+'
}

# The commands of the program.
_hpp_commands() {
    "$1" --help 2>/dev/null | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# The alternatives of an option: `on off` from `--barrier on|off:{on,off}`.
_hpp_values() {
    "$1" --help 2>/dev/null | sed -n "s/^  $2 [^ ]*:{\([a-z,]*\)}.*/\1/p" | tr , ' '
}

# The instances of this user that run, or have run.
_hpp_names() {
    local directory
    for directory in "${XDG_RUNTIME_DIR:-/nowhere}"/hpp/*/ "/tmp/hpp-$UID"/*/; do
        [ ! -e "$directory/lock" ] || basename "$directory"
    done
}

_hpp_launch() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        [ "${COMP_WORDS[i]}" = --exec ] || continue
        # From there on it is the backend's command line.
        if declare -F _command_offset >/dev/null; then
            _command_offset $((i + 1))
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$current")
        fi
        return
    done
    case $previous in
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        --stop-signal) mapfile -t COMPREPLY < <(compgen -W 'HUP INT KILL TERM' -- "$current") ;;
        --*) mapfile -t COMPREPLY < <(compgen -W "$(_hpp_values "$1" "$previous")" -- "$current") ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_hpp_options "$1") --exec" -- "$current")
    fi
}

_hpp_ctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word command=
    local commands
    commands=$(_hpp_commands "$1")
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ -n $word && " ${commands//$'\n'/ } " == *" $word "* ]] && command=$word
    done
    if [ "$previous" = --name ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_hpp_names)" -- "$current")
    elif [[ $current == -* ]]; then
        # shellcheck disable=SC2086  # no command is no word
        mapfile -t COMPREPLY < <(
            compgen -W "$(_hpp_options "$1"; _hpp_options "$1" $command)" -- "$current")
    elif [ -z "$command" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    fi
}

complete -o default -F _hpp_launch hpp-launch http-process-proxy
complete -F _hpp_ctl hpp-ctl
