# Completion of moonkey's command line in fish: what fits is moonkey's to say. `moonkey completion fish` prints this.

function __moonkey_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # That of PATH, whatever stands in the line: to press Tab behind ./moonkey must not run it.
    set -l lines (command moonkey __complete $words[2..-1] "$current" 2>/dev/null)
    set -l kind $lines[1]
    set -e lines[1]
    if set -q lines[1]
        printf '%s\n' $lines
        return
    end
    set -l flag (string match -r -- '^--[^=]*=' $current)
    set -l path (string replace -r -- '^--[^=]*=' '' $current)
    switch "$kind"
        case files
            printf "$flag%s\n" (__fish_complete_path "$path")
        case directories
            printf "$flag%s\n" (__fish_complete_directories "$path" '')
    end
end

complete -c moonkey -f -a '(__moonkey_complete)'
