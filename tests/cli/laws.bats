#!/usr/bin/env bats
# The laws of the layout, read off the sources and the objects of this build. A test that fails
# prints what breaks the law, one line each: file, and what.
#
#     room        may include, besides itself
LAYOUT='
      base
      stream      base
      geometry    base
      dataset     base
      nn          base
      analysis    base stream geometry
      train       base stream geometry dataset nn
      tools       base stream geometry dataset nn analysis train'

setup_file() {
    cd "$SAM_TOP" || exit
    objects=${SAM_BIN%/*}
    # "FILE.c INCLUDED" for every include of the project's own headers.
    grep -rHE --include='*.[ch]' '^# *include +"' lib tools |
        sed -E 's/:# *include +"([^"]*)".*/ \1/' >"$BATS_FILE_TMPDIR/includes"
    # "FILE.c NAME TYPE" for every public name that an object has (T, D, ...) or needs (U); objects
    # of sources that are no more are left out.
    (cd "$objects" && find lib tools -name '*.o' -exec nm -A -P -g {} +) |
        sed -E 's/^([^.:]*)[^:]*: +/\1.c /' | while read -r file name type _; do
        [ ! -f "$file" ] || echo "$file $name $type"
    done >"$BATS_FILE_TMPDIR/symbols"
}

setup() {
    cd "$SAM_TOP" || exit
    objects=${SAM_BIN%/*}
    includes=$BATS_FILE_TMPDIR/includes
    symbols=$BATS_FILE_TMPDIR/symbols
}

# Succeeds if what it is given is nothing, else prints it: `none "$(what breaks the law)"`.
none() {
    [ -z "$1" ] || { printf '%s\n' "$1"; false; }
}

# A sanitizer adds names of its own to every object.
plain_build_only() {
    [[ $objects != */sanitize-* ]] || skip "the objects of a sanitized build tell nothing"
}

@test "an include of the project's is the path of a header below lib/" {
    [ -s "$includes" ]
    none "$(while read -r file included; do
        [ -f "lib/$included" ] || echo "$file: \"$included\""
    done <"$includes")"
}

@test "tools include only lib/, rooms only themselves and the rooms below them" {
    none "$(awk '
        FILENAME == "-" { for (i = 1; i <= NF; i++) allowed[$1, $i]; known[$1]; next }
        {
            path = $1
            sub(/^lib\//, "", path)
            split(path, from, "/")
            split($2, to, "/")
            if (!(from[1] in known))
                print $1 ": a room that is not in the layout"
            else if (!((from[1], to[1]) in allowed))
                print $1 ": \"" $2 "\""
        }' - "$includes" <<<"$LAYOUT")"
}

@test "lib/ neither prints nor exits, save base/tool.c" {
    [ -s "$symbols" ]
    none "$(awk '/^lib/ && $1 != "lib/base/tool.c" && $3 == "U" && $2 ~ "^(" \
        "_?exit|_Exit|quick_exit|abort|__assert_fail|stderr|v?printf|puts|putchar|perror|" \
        "v?errx?|v?warnx?|v?syslog)$" { print $1 ": " $2 }' "$symbols")"
}

# .data.rel.ro is constant, but for addresses that the loader fills in before main(). A signal's
# handler is told an address and nothing else: that of stream/mapping.c has to look its memory up.
@test "no mutable globals, in lib/ or tools/, save what a signal's handler has to look up" {
    plain_build_only
    none "$(cd "$objects" && find lib tools -name '*.o' -exec objdump -t {} + | awk '
        /file format/ { object = $1 }
        match($0, / (\.data|\.bss|\.tdata|\.tbss|\*COM\*)[^ \t]*\t/) {
            section = substr($0, RSTART + 1, RLENGTH - 2)
            if (section ~ /^\.data\.rel\.ro/ || $NF == section)
                next
            if (object " " $NF != "lib/stream/mapping.o: handled")
                print object " " $NF ": in " section
        }')"
}

# A function of FILE.c is named sam_FILE_..., or after a part of FILE's name ("plain" of plain_head),
# or after FILE's folder in its room ("lanes" of nn/lanes/direct.c), or after a struct or enum that
# FILE.h declares (sam_arena_take in memory.h).
@test "a public name tells its file" {
    # shellcheck disable=SC2046
    none "$(awk '
        FILENAME ~ /\.h$/ {
            if (match($0, /^(struct|enum) sam_[a-z0-9_]+/)) {
                sub(/^[a-z]+ sam_/, "", $0)
                sub(/[^a-z0-9_].*/, "", $0)
                file = FILENAME
                sub(/h$/, "c", file)
                subjects[file] = subjects[file] " " $0
            }
            next
        }
        $1 ~ /^lib/ && $3 == "T" {
            stem = folders = $1
            gsub(/.*\/|\.c$/, "", stem)
            parts = stem
            gsub(/_/, " ", parts)
            gsub(/^lib\/[^\/]*\/|[^\/]*$/, "", folders)
            gsub(/\//, " ", folders)
            count = split(stem " " parts " " folders subjects[$1], subject, " ")
            for (i = 1; i <= count; i++)
                if ($2 ~ "^sam_" subject[i] "(_|$)")
                    next
            print $1 ": " $2
        }' $(find lib -name '*.h') "$symbols")"
}

@test "no two files define the same public name" {
    none "$(awk '/^lib/ && $3 != "U" { print $2 }' "$symbols" | sort | uniq -d |
        while read -r name; do
            awk -v name="$name" '$2 == name && $3 != "U" { print $1 ": " $2 }' "$symbols"
        done)"
}

@test "a tool makes nothing public but main" {
    plain_build_only
    none "$(awk '/^tools/ && $3 != "U" && $2 != "main" { print $1 ": " $2 }' "$symbols")"
}

# As far as a pattern sees it: two magnitudes compared, or a sign bit asked for.
@test "only lib/geometry decides classes" {
    none "$(grep -rnE 'fabsf?\([^)]*\) *[<>]=? *fabsf?\(|\bsignbit\(' --include='*.[ch]' lib tools |
        grep -v '^lib/geometry/')"
}

# Lines of a function, from its type to its closing brace. 40 is what one screen shows and what is
# aimed at; over that it is reported, over 60 refused.
@test "functions fit one screen" {
    long=$(find lib tools tests -name '*.[ch]' -exec awk '
        FNR == 1 { start = inside = 0 }
        !inside && !start && /^[a-zA-Z_].*\(/ { start = FNR; text = $0 }
        !inside && /;[ \t]*$/ { start = 0 }
        start && /^\{/ { inside = 1 }
        inside && /^\}/ {
            lines = FNR - start + 1
            match(text, /[a-zA-Z0-9_]+\(/)
            if (lines > 40)
                print lines, FILENAME ":" start ":", substr(text, RSTART, RLENGTH - 1)
            start = inside = 0
        }' {} + | sort -rn)
    [ -z "$long" ] || awk '{ print "# over 40 lines:", $0 }' <<<"$long" >&3
    none "$(awk '$1 > 60' <<<"$long")"
}

@test "lines of C have at most 100 columns" {
    none "$(grep -rnE --include='*.[ch]' '^.{101,}' lib tools tests)"
}

@test "every tool has a man page, and mandoc finds nothing wrong with any" {
    none "$(for source in tools/*.c; do
        [ -f "${source%.c}.1" ] || echo "$source has no ${source%.c}.1"
    done)"
    command -v mandoc >/dev/null || skip "mandoc is not installed"
    none "$(mandoc -T lint -W warning tools/*.[1-9] 2>&1)"
}

# With -x, into what they source. In the tests only what makes one of no effect: after "!" bats does
# not see a failure.
@test "shell scripts pass shellcheck" {
    command -v shellcheck >/dev/null || skip "shellcheck is not installed"
    mapfile -t scripts < <(grep -rlIE --exclude-dir=.git --exclude-dir=build -m 1 \
        '^#!.*\b(ba)?sh$' . | grep -v '\.bats$')
    [ ${#scripts[@]} -gt 0 ]
    none "$(shellcheck -x -S warning -f gcc "${scripts[@]}" tools/completion.bash)"
    none "$(shellcheck -S error -f gcc tests/cli/*.bats)"
}

# The commands of README.md, one a line: the lines of its code blocks, cut where one command ends
# and the next begins.
readme_commands() {
    awk '/^ *```/ { inside = !inside; next } inside' README.md |
        sed -e ':join' -e '/\\$/ { N; s/\\\n//; b join' -e '}' -e 's/^ *\$ //' -e 's/ #.*//' |
        tr '|;&()<>' '\n' | sed 's/^ *//'
}

@test "the make targets of README.md exist" {
    [ -f README.md ] || skip "there is no README.md yet"
    targets=$(make -pnq .DEFAULT 2>/dev/null | sed -nE 's/^([a-z][a-z0-9-]*):.*/\1/p')
    none "$(readme_commands | sed -nE 's/^(sudo )?make //p' | tr ' ' '\n' |
        grep -vE '^$|^-|=' | while read -r target; do
        grep -qx -- "$target" <<<"$targets" || echo "make $target"
    done)"
}

@test "the tools of README.md have the options it gives them" {
    [ -f README.md ] || skip "there is no README.md yet"
    none "$(readme_commands | while read -r word rest; do
        tool=${word##*/}
        [ -x "$SAM_BIN/$tool" ] || { [[ $word != */bin/* ]] || echo "$word"; continue; }
        help=$("$SAM_BIN/$tool" --help)
        grep -oE -- '(^| )--[a-z0-9-]+' <<<"$rest" | while read -r option; do
            grep -qE -- "$option([],=[ ]|\$)" <<<"$help" || echo "$tool $option"
        done
    done)"
}

@test "clang compiles the kernels as well" {
    command -v clang >/dev/null || skip "there is no clang here"
    env -u MAKEFLAGS -u SANITIZE make -s CC=clang BUILD="$BATS_TEST_TMPDIR" \
        "$BATS_TEST_TMPDIR"/lib/{geometry/kernels,nn/lanes/winograd.portable}.o
}
