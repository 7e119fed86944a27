# weave - turns chapters into one Markdown text.
#
#     awk -v tables=FOLDER -v notes=FOLDER -f weave.awk pass=1 CHAPTER... pass=2 CHAPTER...
#
# A chapter is a makefile: lines that begin with "#" are Markdown, all others code. A file whose
# name ends in .md is Markdown as it is. The first pass numbers the figures and tables, the second
# writes.
#
# In the Markdown,
#
#     {{TABLE ROW COLUMN FORMAT}}     is a number (or text) from TABLE.csv; ROW is first, last, or
#                                     KEY=VALUE[,KEY=VALUE] with ~ for a space in a VALUE, FORMAT
#                                     is printf's (left out: as it is)
#     [[figure NAME]] [[table NAME]]  is "Figure 3" or "Table 2"
#
#     @figure NAME                    puts in figures/NAME; the lines up to the next blank one are
#     Caption.                        its caption
#
#     @table NAME [where KEY=VALUE]   puts in TABLE.csv as a table: the indented lines are its
#       COLUMN | heading | FORMAT     columns, the others up to the next blank one its caption
#     Caption.
#
# Tables are looked for in `tables`, and those named notes-... in `notes`. What cannot be found - a
# table, a row, a column, a figure's name - is an error, so that no number goes missing unseen.

function fail(text) {
    if (!failed) printf "weave: %s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
    failed = 1
    exit 1
}

# --- Tables (RFC 4180; cells that hold line breaks are not expected) ---

function split_csv(line, cells,   n, cell, rest) {
    n = 0
    rest = line ","
    while (rest != "") {
        if (substr(rest, 1, 1) == "\"") {
            match(rest, /^"([^"]|"")*",/)
            cell = substr(rest, 2, RLENGTH - 3)
            gsub(/""/, "\"", cell)
        } else {
            match(rest, /^[^,]*,/)
            cell = substr(rest, 1, RLENGTH - 1)
        }
        cells[++n] = cell
        rest = substr(rest, RLENGTH + 1)
    }
    return n
}

# Reads NAME.csv once: cell[name, row, column], rows[name], has[name, column].
function load(name,   file, line, header, cells, n, i, r) {
    if (name in rows) return
    file = (name ~ /^notes-/ ? notes : tables) "/" name ".csv"
    if ((getline line < file) <= 0) fail("no table " file)
    n = split_csv(line, header)
    for (i = 1; i <= n; i++) has[name, header[i]] = 1
    while ((getline line < file) > 0) {
        r++
        if (split_csv(line, cells) != n) fail(file ": row " r ": " line ": wanted " n " cells")
        for (i = 1; i <= n; i++) cell[name, r, header[i]] = cells[i]
    }
    close(file)
    rows[name] = r + 0
}

# Numbers are compared as numbers: 0.1 is 0.10.
function equal(a, b) {
    return a "" == b "" || (a ~ /^[-+.0-9]/ && b ~ /^[-+.0-9]/ && a + 0 == b + 0)
}

# Whether row r of a table has all of "KEY=VALUE,KEY=VALUE".
function matches(name, r, where,   n, i, conditions, part, key, value) {
    n = split(where, conditions, ",")
    for (i = 1; i <= n; i++) {
        part = index(conditions[i], "=")
        key = substr(conditions[i], 1, part - 1)
        value = substr(conditions[i], part + 1)
        if (!((name, key) in has)) fail("table " name " has no column " key)
        if (!equal(cell[name, r, key], value)) return 0
    }
    return 1
}

function find_row(name, where,   r, found) {
    load(name)
    if (rows[name] == 0) fail("table " name " is empty")
    if (where == "first") return 1
    if (where == "last") return rows[name]
    for (r = 1; r <= rows[name]; r++) {
        if (!matches(name, r, where)) continue
        if (found) fail("table " name " has several rows " where)
        found = r
    }
    if (!found) fail("table " name " has no row " where)
    return found
}

# A cell as the text shows it. An empty one is a dash, and so is what is no number; a minus sign is
# one.
function show(value, format) {
    if (value == "" || value ~ /^-?(nan|inf)$/) return "–"
    if (format == "" || value !~ /^[-+]?[.0-9]/) return value
    value = sprintf(format, value)
    sub(/^-/, "−", value)
    if (value ~ /e[-+][0-9]+/) value = power_of_ten(value)
    return value
}

# 1.2e-05 as $1.2 \times 10^{-5}$.
function power_of_ten(value,   at, exponent) {
    at = index(value, "e")
    exponent = substr(value, at + 1) + 0
    value = substr(value, 1, at - 1)
    sub(/^−/, "-", value)
    return "$" value " \\times 10^{" exponent "}$"
}

# --- Prose ---

function replace_values(text,   out, body, n, part) {
    out = ""
    while (match(text, /\{\{[^}]*\}\}/)) {
        body = substr(text, RSTART + 2, RLENGTH - 4)
        out = out substr(text, 1, RSTART - 1)
        text = substr(text, RSTART + RLENGTH)
        gsub(/[ \n]+/, " ", body)
        n = split(body, part, " ")
        if (n < 3) fail("{{" body "}}: wanted {{TABLE ROW COLUMN FORMAT}}")
        gsub(/~/, " ", part[2])
        n = find_row(part[1], part[2])
        if (!((part[1], part[3]) in has)) fail("table " part[1] " has no column " part[3])
        out = out show(cell[part[1], n, part[3]], part[4])
    }
    return out text
}

function replace_references(text,   out, body) {
    out = ""
    while (match(text, /\[\[(figure|table)[ \n][^\]]*\]\]/)) {
        body = substr(text, RSTART + 2, RLENGTH - 4)
        sub(/\n/, " ", body)
        if (!(body in number)) fail("there is no " body)
        out = out substr(text, 1, RSTART - 1) number[body]
        text = substr(text, RSTART + RLENGTH)
    }
    return out text
}

function finished(text) { return replace_references(replace_values(text)) }

# The block of lines read so far, at a blank line or where prose ends.
function end_block(   first) {
    if (block == "") return
    first = block
    sub(/\n.*/, "", first)
    if (first ~ /^@figure /) figure(first)
    else if (first ~ /^@table /) table(first)
    else if (writing) printf "%s\n\n", finished(block)
    block = ""
}

function label(kind, name) {
    if (!writing) {
        if ((kind " " name) in number) fail(kind " " name " is shown twice")
        number[kind " " name] = (kind == "figure" ? "Figure " ++figures : "Table " ++tables_shown)
    }
    return number[kind " " name]
}

function figure(first,   name, caption) {
    name = first
    sub(/^@figure +/, "", name)
    caption = substr(block, length(first) + 2)
    first = label("figure", name)
    if (writing)
        printf "![**%s.** %s](figures/%s)\n\n", first, finished(caption), name
}

# The width that a cell or heading wants, about: its longest word, at least, and half of it all, so
# that it is two lines at most. Of $...$ what TeX makes of it; one for a character that is several
# bytes, which is what some awks count (the last one below is a no-break space).
function width(text,   words, n, i, most) {
    gsub(/\\[a-zA-Z]+/, "x", text)
    gsub(/[$`*{}^_]/, "", text)
    gsub(/−|×|±|…|–|ρ| /, "x", text)
    most = length(text) / 2
    n = split(text, words, " ")
    for (i = 1; i <= n; i++) if (length(words[i]) > most) most = length(words[i])
    return int(most + 0.5)
}

# The lines of a table, grid[0 .. n, 1 .. columns]. Where a line is long, pandoc divides the page by
# the dashes under the heading.
function print_grid(grid, n, columns, right,   r, c, line, rule, dashes, most) {
    for (c = 1; c <= columns; c++) {
        most = 3
        for (r = 0; r <= n; r++) if (width(grid[r, c]) > most) most = width(grid[r, c])
        dashes = sprintf("%*s", most + 3, "") # and the space between columns
        gsub(/ /, "-", dashes)
        rule = rule "|" (right[c] ? dashes ":" : ":" dashes)
    }
    for (r = 0; r <= n; r++) {
        line = "|"
        for (c = 1; c <= columns; c++) line = line " " grid[r, c] " |"
        print line
        if (r == 0) print rule "|"
    }
}

function table(first,   name, where, lines, n, i, caption, columns, spec, part, r, c, grid, shown) {
    split(first, part, " ")
    name = part[2]
    where = part[3] == "where" ? part[4] : ""
    first = label("table", name (where ? " " where : ""))
    if (!writing) return
    load(name)
    n = split(block, lines, "\n")
    for (i = 2; i <= n; i++) {
        if (lines[i] ~ /^  /) spec[++columns] = lines[i]
        else caption = caption (caption ? "\n" : "") lines[i]
    }
    for (c = 1; c <= columns; c++) {
        split(spec[c], part, / *\| */)
        gsub(/ /, "", part[1])
        column[c] = part[1]; format[c] = part[3]
        sub(/ +$/, "", format[c])
        if (!((name, column[c]) in has)) fail("table " name " has no column " column[c])
        right[c] = format[c] != ""
        grid[0, c] = part[2]
    }
    for (r = 1; r <= rows[name]; r++) {
        if (where && !matches(name, r, where)) continue
        shown++
        for (c = 1; c <= columns; c++) grid[shown, c] = show(cell[name, r, column[c]], format[c])
    }
    print_grid(grid, shown + 0, columns, right)
    printf "\n: **%s.** %s\n\n", first, finished(caption)
}

# --- Lines ---

function prose(line) {
    end_code()
    if (line ~ /^[ \t]*$/) end_block()
    else block = block (block ? "\n" : "") line
}

function code_line(line) {
    end_block()
    if (line ~ /^[ \t]*$/) { if (code) gap = gap "\n"; return }
    code = code gap line "\n"
    gap = ""
}

function end_code() {
    if (code && writing) printf "```makefile\n%s```\n\n", code
    code = gap = ""
}

FNR == 1 { end_block(); end_code(); writing = pass == 2 }
FILENAME ~ /\.md$/ { prose($0); next }
/^#( |$)/ { sub(/^# ?/, ""); prose($0); next }
{ code_line($0) }
END { if (failed) exit 1; end_block(); end_code(); if (failed) exit 1 }
