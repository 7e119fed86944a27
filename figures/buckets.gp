# Project 2: how much of the network lies in each interval of the ratio within class 1, while it
# trains. Six panels as in the notes' figure. The notes' levels are read from their figure in the
# order in which the curve passes them; when it passed the middle ones is not known to us, so
# they are set evenly between the start and the end.

width = 6.3
height = 4.5
load "figures/style.gp"
set datafile columnheaders

set multiplot layout 2,3 margins 0.075,0.985,0.165,0.935 spacing 0.075,0.13
set xrange [-0.05:1.05]
set yrange [0:*]
set offsets 0, 0, graph 0.08, 0
set xtics 0,0.5,1 format "%g"
unset key

array TURNS[6] = [3, 4, 4, 3, 3, 3]
intervals = "1-1.2 1.2-1.5 1.5-2 2-4 4-8 8-16"
do for [k = 1:6] {
    b = word(intervals, k)
    split = strstrt(b, "-")
    set title sprintf("%s ≤ r < %s", b[1:split-1], b[split+1:*])
    if (k == 1) { set title "1 < r < 1.2" }
    set ylabel k % 3 == 1 ? "% of all parameters" : "" offset 1.2,0
    set xlabel k > 3 ? "share of the training" : "" offset 0,0.4
    if (k == 6) { set key at screen 0.5,0.035 center maxrows 1 samplen 3 }
    null = "null_" . b
    plot tables . "/buckets.csv" using "progress":null with lines linestyle 11 title "null", \
        "" using "progress":b with linespoints linetype 1 pointsize 0.45 title "measured", \
        notes . "/notes-buckets.csv" using \
            (strcol("bucket") eq b ? (column("turn") - 1) / (TURNS[k] - 1) : NaN):"percent" \
            with points linestyle 12 title "the notes"
}
unset multiplot
