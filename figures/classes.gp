# The shares of the four classes while the network trains, one panel a class: measured, what the
# one-parameter null predicts from the scale fitted to the same record, and what the notes say of
# the early and the late stage.

width = 6.3
height = 4.6
load "figures/style.gp"
set datafile columnheaders

set multiplot layout 2,2 margins 0.075,0.985,0.105,0.935 spacing 0.085,0.13
set xrange [-0.04:1.04]
set yrange [0:*]
set offsets 0, 0, graph 0.08, 0
set xtics 0,0.25,1 format "%g"
unset key

array WHAT[4] = ["r > 1", "0 ≤ r ≤ 1", "r < −1", "−1 ≤ r < 0"]
do for [k = 1:4] {
    set title sprintf("class %d:  %s", k, WHAT[k])
    set ylabel k % 2 == 1 ? "% of all parameters" : "" offset 1.2,0
    set xlabel k > 2 ? "share of the training done" : "" offset 0,0.4
    if (k == 4) { set key bottom right }
    column = sprintf("class%d", k)
    null = sprintf("null_class%d", k)
    plot tables . "/classes.csv" using "progress":null with lines linestyle 11 \
            title "null, 1 + s·Cauchy", \
        "" using "progress":column with linespoints linetype k pointsize 0.5 title "measured", \
        notes . "/notes-shares.csv" using \
            (column("class") == k ? (strcol("stage") eq "early" ? 0 : 1) : NaN):"percent" \
            with points linestyle 12 title "the notes, in words"
}
unset multiplot
