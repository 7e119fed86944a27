#!/usr/bin/env bats
# `make install` and `make uninstall`, and bash completion as it is installed.

# Installs into (or removes from) the folder $1. What is built for the tests is what is installed.
make_in() {
    make -s -C "$SAM_TOP" OUT="${SAM_BIN%/*}" DESTDIR="$1" PREFIX=/opt/samscope "$2"
}

setup_file() {
    make_in "$BATS_FILE_TMPDIR" install
}

setup() {
    cd "$SAM_TOP" || exit
    tools=$(basename -s .c -- tools/*.c)
    prefix=$BATS_FILE_TMPDIR/opt/samscope
    completions=$prefix/share/bash-completion/completions
}

@test "install puts tools, man pages and completion under DESTDIR/PREFIX" {
    for tool in $tools; do
        cmp "$prefix/bin/$tool" "$SAM_BIN/$tool"
        [ -x "$prefix/bin/$tool" ]
        cmp "$prefix/share/man/man1/$tool.1" "tools/$tool.1"
        cmp "$completions/$tool" tools/completion.bash
    done
    for page in tools/*.7; do
        [ ! -e "$page" ] || cmp "$prefix/share/man/man7/${page##*/}" "$page"
    done
    # And nothing besides: a program, a page and a completion for each tool, and the other pages.
    expected=$(($(wc -w <<<"$tools") * 3 + $(find tools -name '*.7' | wc -l)))
    [ "$(find "$BATS_FILE_TMPDIR/opt" -type f | wc -l)" -eq "$expected" ]
}

@test "uninstall leaves no file behind, and touches no other" {
    cp -r "$BATS_FILE_TMPDIR/opt" "$BATS_TEST_TMPDIR"
    touch "$BATS_TEST_TMPDIR/opt/samscope/bin/of-somebody-else"
    make_in "$BATS_TEST_TMPDIR" uninstall
    run find "$BATS_TEST_TMPDIR/opt" -type f
    [ "$output" = "$BATS_TEST_TMPDIR/opt/samscope/bin/of-somebody-else" ]
}

@test "an installed tool runs from where it is" {
    for tool in $tools; do
        (cd / && PATH=$prefix/bin "$tool" --version)
    done
}

# complete_with FILE TOOL WORD...: what bash offers for the last word of that command line, one a
# line, after FILE was read. Bash takes "=" for a word of its own.
complete_with() {
    PATH=$SAM_BIN:$PATH bash --norc -c '
        compopt() { echo "compopt $*"; }
        . "$1"
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        [[ $(complete -p "$1") == *" -F _samscope $1" ]] || exit
        _samscope "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

@test "completion offers every option of every tool" {
    for tool in $tools; do
        diff <(complete_with tools/completion.bash "$tool" -- | sed -n 's/^\(--[^=]*\)=*$/\1/p' | sort) \
            <("$SAM_BIN/$tool" --usage | grep -oE -- '--[a-z0-9-]+' | sort -u)
    done
}

@test "an option that takes an argument ends in = without a space, a flag does not" {
    [ "$(complete_with tools/completion.bash classify-ratio --tens)" = "compopt -o nospace
--tensors=" ]
    [ "$(complete_with tools/completion.bash classify-ratio --perc)" = "--percent" ]
}

@test "completion offers the words an argument may be" {
    kinds='record
tensor
kind'
    [ "$(complete_with tools/completion.bash classify-ratio --by '')" = "$kinds" ]
    [ "$(complete_with tools/completion.bash classify-ratio --by =)" = "$kinds" ]
    [ "$(complete_with tools/completion.bash classify-ratio --by = k)" = kind ]
    [ -z "$(complete_with tools/completion.bash classify-ratio --by = x)" ]
}

@test "completion leaves names of files to bash" {
    [ -z "$(complete_with tools/completion.bash classify-ratio --map '')" ]
    [ -z "$(complete_with tools/completion.bash classify-ratio --map = --)" ]
    [ -z "$(complete_with tools/completion.bash classify-ratio record)" ]
    [[ $(bash --norc -c '. tools/completion.bash; complete -p classify-ratio') == *"-o default"* ]]
}

@test "completion as it is installed serves the tool whose name it bears" {
    for tool in $tools; do
        complete_with "$completions/$tool" "$tool" -- | grep -qx -- --help
    done
}
