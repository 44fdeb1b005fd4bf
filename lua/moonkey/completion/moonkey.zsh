#compdef moonkey
# Completion of moonkey's command line in zsh: what fits is moonkey's to say. `moonkey completion zsh` prints this.

_moonkey() {
    local -a lines found shown
    local line tab=$'\t'
    # That of PATH, whatever stands in the line: to press Tab behind ./moonkey must not run it.
    lines=("${(@f)$(command moonkey __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in "${(@)lines[2,-1]}"; do
        found+=("${line%%$tab*}")
        shown+=("${line/$tab/  -- }")
    done
    if (( $#found )); then
        compadd -l -d shown -a found
        return
    fi
    [[ $PREFIX == --*=* ]] && compset -P '--*='
    case $lines[1] in
        files) _files ;;
        directories) _files -/ ;;
        *) return 1 ;;
    esac
}

if [[ $funcstack[1] == _moonkey ]]; then
    _moonkey "$@" # loaded from $fpath, as its first call
else
    compdef _moonkey moonkey
fi
