# bash completion for hpp-launch, its other name http-process-proxy, and hpp-ctl.
#
# The options come from the output of --help.
#
# LC_ALL=C, because `[a-z]` lacks letters such as `i` in some locales.
#
# `compgen -W` is not used, because it expands its words: a $(…) in a file name would be executed.

# Prints the options of "$@", which is a program and perhaps one of its commands.
_hpp_options() {
    "$@" --help 2>/dev/null | LC_ALL=C grep -oE -- '^  (-[a-z], )?--[a-z-]+' | LC_ALL=C grep -oE -- '--[a-z-]+'
}

# Prints the commands of the program.
_hpp_commands() {
    "$1" --help 2>/dev/null | LC_ALL=C sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# Prints the alternatives of an option, one per line: `on` and `off` for `--barrier on|off`, `line:` for
# `--ready …|line:REGEX`.
_hpp_values() {
    "$1" --help 2>/dev/null | LC_ALL=C sed -n "s/^  $2 \([a-z]*|[a-z|:]*\)[A-Z]*\( .*\)*$/\1/p" | tr '|' '\n'
}

# Prints the names of this user's instances, including those that have ended. Ignores a /tmp/hpp-UID
# that another user has made.
_hpp_names() {
    local root directory name
    for root in "${XDG_RUNTIME_DIR:-/nowhere}/hpp" "/tmp/hpp-$UID"; do
        [[ -O $root && ! -L $root ]] || continue
        for directory in "$root"/*/; do
            name=${directory%/}
            name=${name##*/}
            [[ -O $directory && -e $directory/lock && $name != *[!A-Za-z0-9._-]* ]] || continue
            printf '%s\n' "$name"
        done
    done
}

# Offers the words of stdin, one per line, that begin with $1.
_hpp_offer() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do
        [[ -n $word && $word == "$1"* ]] && COMPREPLY+=("$word")
    done
}

# Offers the files (-f) or folders (-d) that begin with $2. `filenames` makes bash quote their names,
# because another user may have made a folder with a $(…) in its name.
_hpp_offer_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_hpp_launch() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --exec || ${COMP_WORDS[i]} == -- ]] || continue
        # The words after --exec or -- are the backend's command line.
        if declare -F _command_offset >/dev/null; then
            _command_offset $((i + 1))
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$current")
        fi
        return
    done
    case $previous in
        --config | --env-file) _hpp_offer_files -f "$current" ;;
        --stop-signal) _hpp_offer "$current" < <(printf '%s\n' HUP INT KILL TERM) ;;
        --*)
            _hpp_offer "$current" < <(_hpp_values "$1" "$previous")
            [[ ${COMPREPLY[*]} != *: ]] || compopt -o nospace 2>/dev/null
            ;;
    esac
    if [[ $current == -* ]]; then
        _hpp_offer "$current" < <(_hpp_options "$1"; echo --exec)
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
        _hpp_offer "$current" < <(_hpp_names)
    elif [ "$previous" = --run-dir ]; then
        _hpp_offer_files -d "$current"
    elif [[ $current == -* ]]; then
        # shellcheck disable=SC2086  # an empty command must not become a word
        _hpp_offer "$current" < <(_hpp_options "$1"; _hpp_options "$1" $command)
    elif [ -z "$command" ]; then
        _hpp_offer "$current" <<<"$commands"
    fi
}

complete -o default -F _hpp_launch hpp-launch http-process-proxy
complete -F _hpp_ctl hpp-ctl
