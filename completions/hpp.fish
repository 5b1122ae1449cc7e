# fish completion for hpp-launch, its other name http-process-proxy, and hpp-ctl.
#
# The options come from the output of --help.

# Prints the options of a program, or of one of its commands, each with its description.
function __hpp_options
    $argv --help 2>/dev/null |
        string replace --regex --filter '^  (?:-[a-z], )?(--[a-z-]+)(?: \S+)?(?:  +(.*))?$' '$1\t$2'
end

# Prints the commands of hpp-ctl, each with its description.
function __hpp_commands
    $argv[1] --help 2>/dev/null | sed -n '/^Subcommands:/,/^$/p' |
        string replace --regex --filter '^  ([a-z]+)  +(.*)$' '$1\t$2'
end

# Prints the command of hpp-ctl on the command line.
function __hpp_command
    set --local commands (__hpp_commands $argv[1] | string replace --regex '\t.*' '')
    for word in $argv[2..]
        contains -- $word $commands; and echo $word
    end
end

# Prints the alternatives of an option: `on` and `off` for `--barrier on|off`, `line:` for
# `--ready …|line:REGEX`.
function __hpp_values
    $argv[1] --help 2>/dev/null |
        string replace --regex --filter "^  $argv[2] ([a-z]+(?:\|[a-z:]+)+)[A-Z]*(?: .*)?\$" '$1' | string split '|'
end

# Prints the names of this user's instances, including those that have ended. Ignores a /tmp/hpp-UID
# that another user has made.
function __hpp_names
    for root in $XDG_RUNTIME_DIR/hpp /tmp/hpp-(id -u)
        test -O $root -a ! -L $root; or continue
        for directory in $root/*/
            test -O $directory -a -e $directory/lock; or continue
            string match --regex '^[A-Za-z0-9._-]+$' (basename $directory)
        end
    end
end

function __hpp_launch
    set --local words (commandline --tokenize --cut-at-cursor --current-process)
    if set --local exec (contains --index -- --exec $words; or contains --index -- -- $words)
        __fish_complete_subcommand --fcs-skip=$exec
        return
    end
    switch "$words[-1]"
        case --config --env-file
            __fish_complete_path (commandline --current-token)
            return
        case --stop-signal
            printf '%s\n' HUP INT KILL TERM
            return
        case '--*'
            __hpp_values $words[1] $words[-1]; and return
    end
    if string match --quiet -- '-*' (commandline --current-token)
        __hpp_options $words[1]
        echo --exec
    else
        __fish_complete_path (commandline --current-token)
    end
end

function __hpp_ctl
    set --local words (commandline --tokenize --cut-at-cursor --current-process)
    set --local command (__hpp_command $words)
    switch "$words[-1]"
        case --name
            __hpp_names
            return
        case --run-dir
            __fish_complete_directories (commandline --current-token)
            return
    end
    if string match --quiet -- '-*' (commandline --current-token)
        __hpp_options $words[1]
        __hpp_options $words[1] $command
    else if test -z "$command"
        __hpp_commands $words[1]
    end
end

complete --command hpp-launch --no-files --arguments '(__hpp_launch)'
complete --command http-process-proxy --no-files --arguments '(__hpp_launch)'
complete --command hpp-ctl --no-files --arguments '(__hpp_ctl)'
