# Completion of moonkey's command line in bash: what fits is moonkey's to say. `moonkey completion bash` prints this.

_moonkey() {
    local i kind line
    local -a words=()
    # Bash takes --output=json apart at the "=".
    for ((i = 1; i <= COMP_CWORD; i++)); do
        if ((${#words[@]})) && [[ ${words[-1]} == --* && (${COMP_WORDS[i]} == = || ${COMP_WORDS[i - 1]} == =) ]]; then
            words[-1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
    done
    local current=${words[-1]}
    COMPREPLY=()
    # That of PATH, whatever stands in the line: to press Tab behind ./moonkey must not run it.
    {
        read -r kind
        while IFS= read -r line; do
            line=${line%%$'\t'*}
            [[ $current != --*=* ]] || line=${line#--*=}
            COMPREPLY+=("$(printf %q "$line")")
        done
    } < <(command moonkey __complete "${words[@]}" 2>/dev/null)
    ((${#COMPREPLY[@]} == 0)) || return 0
    case $kind in
        files) compopt -o default ;;
        directories) compopt -o dirnames ;;
    esac
}

complete -F _moonkey moonkey
