# Completion for samscope's tools in bash, from what each tool says of itself in --help: its options,
# and for an option's argument written A|B|C there, these words. Else bash offers names of files.
#
# Use it from a checkout: . tools/completion.bash
# shellcheck shell=bash

# "--option ARGUMENT" for each option of the tool $1; the ARGUMENT may be missing.
_samscope_options() {
    "$1" --help 2>/dev/null | sed -nE 's/^ {2,6}(-., )?(--[a-z0-9-]+)(\[?=([^] ]*))?.*/\2 \4/p'
}

# Called by bash with the tool, the word to complete and the word before it. Bash takes "=" for a
# word: --by=re is "--by", "=", "re".
_samscope() {
    local word=$2 option=$3 options argument
    [[ $option != = ]] || option=${COMP_WORDS[COMP_CWORD - 2]}
    [[ $word != = ]] || word=
    options=$(_samscope_options "$1")
    argument=$(awk -v option="$option" '$1 == option { print $2 }' <<<"$options")
    COMPREPLY=()
    if [[ $argument == *'|'* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${argument//|/ }" -- "$word")
    elif [[ $word == -* && -z $argument ]]; then
        # An option that takes an argument ends in "=", with no space behind.
        mapfile -t COMPREPLY < <(compgen -W "$(sed -E 's/ .+/=/' <<<"$options")" -- "$word")
        [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
    fi
}

# Installed, this file bears the name of the one tool it is for; in a checkout it serves them all.
if [[ ${BASH_SOURCE[0]##*/} != completion.bash ]]; then
    complete -o default -F _samscope "${BASH_SOURCE[0]##*/}"
else
    for _samscope_tool in "${BASH_SOURCE[0]%/*}"/*.c; do
        _samscope_tool=${_samscope_tool##*/}
        complete -o default -F _samscope "${_samscope_tool%.c}"
    done
    unset _samscope_tool
fi
