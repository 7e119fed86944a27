#!/usr/bin/env bats
# What every tool says of itself: --help, --version, its man page, and of an option it does not know.

bats_require_minimum_version 1.5.0

setup() {
    cd "$SAM_TOP/tools" || exit
    tools=$(basename -s .c -- *.c)
}

# The long options of a tool, one a line without the dashes: from the text of --usage, which argp
# makes apart from that of --help.
options() {
    "$SAM_BIN/$1" --usage | grep -oE -- '--[a-z0-9-]+' | sed 's/^--//' | sort -u
}

@test "--help goes to standard output, begins with the usage, and is no error" {
    for tool in $tools; do
        run --separate-stderr "$SAM_BIN/$tool" --help
        [ "$status" -eq 0 ]
        [[ ${lines[0]} == "Usage: $tool "* ]]
        [ -z "$stderr" ]
    done
}

@test "--help explains every option" {
    for tool in $tools; do
        help=$("$SAM_BIN/$tool" --help)
        for option in $(options "$tool"); do
            # The option's line, or the next where the argument fills the first.
            grep -A 1 -E "^ {2,6}(-., )?--$option([],=[]|  |\$)" <<<"$help" |
                grep -qE '  [^- ].' || { echo "$tool --$option"; false; }
        done
    done
}

@test "--help, --usage and --version say so when they cannot be printed" {
    [ -w /dev/full ] || skip "no /dev/full"
    for tool in $tools; do
        for option in --help --usage --version; do
            run bash -c '"$0" "$1" >/dev/full' "$SAM_BIN/$tool" "$option"
            [ "$status" -eq 1 ]
            [[ $output == "$tool: standard output: "* ]]
        done
    done
}

@test "--version names tool, project and version" {
    version=$(sed -n 's/^VERSION := //p' "$SAM_TOP/Makefile")
    for tool in $tools; do
        [ "$("$SAM_BIN/$tool" --version)" = "$tool (samscope) $version" ]
    done
}

@test "an unknown option is wrong usage, named in the message" {
    for tool in $tools; do
        run --separate-stderr "$SAM_BIN/$tool" --no-such-option
        [ "$status" -eq 2 ]
        [ -z "$output" ]
        [[ $stderr == "$tool: "*"--no-such-option"* ]]
        [[ $stderr == *"$tool --help"* ]]
    done
}

@test "the man page defines every option, and none that is not there" {
    for tool in $tools; do
        [ -f "$tool.1" ]
        diff <(options "$tool" | grep -vxE 'help|usage|version') \
            <(sed -nE 's/^\.It .*Fl -([a-z0-9-]+).*/\1/p' "$tool.1" |
                grep -vxE 'help|usage|version' | sort -u) ||
            { echo "$tool: < --help only, > man page only"; false; }
    done
}

@test "the man page has the sections every tool's has, and its name and line are the source's" {
    for tool in $tools; do
        for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES; do
            grep -qx "\.Sh $section" "$tool.1" || { echo "$tool.1: no $section"; false; }
        done
        line=$(sed -nE "1s/^\/\* $tool - (.*[^.])\.?\$/\1/p" "$tool.c")
        [ -n "$line" ]
        grep -qxF ".Nd $line" "$tool.1" || { echo "$tool.1: wanted .Nd $line"; false; }
    done
}
