# Project 1: the share of class 1 whose gradient exceeds the threshold, and the threshold itself,
# while the network trains, beside the notes' forty rows.

width = 6.3
height = 3.0
load "figures/style.gp"
set datafile columnheaders

set multiplot layout 1,2 margins 0.085,0.985,0.165,0.9 spacing 0.13,0
set xrange [-0.03:1.03]
set xtics 0,0.25,1
set xlabel "share of the training done" offset 0,0.3

set title "members above the threshold"
set ylabel "% of class 1" offset 1,0
set yrange [0:100]
set key bottom left maxrows 3 samplen 1.8
plot tables . "/flat-threshold.csv" using "progress":"chance_percent" with lines linestyle 11 \
        title "chance, k/n", \
    "" using "progress":"permuted_percent" with lines linecolor rgb grey dashtype (2,2) \
        linewidth 1.3 title "permuted signs", \
    "" using "progress":"percent" with linespoints linetype 1 pointsize 0.45 title "of |g|", \
    "" using "progress":"percent_perturbed" with linespoints linetype 2 pointsize 0.45 \
        title "of |g′|", \
    notes . "/notes-flat-threshold.csv" using (column("epoch") / 200):"percent" \
        with points linestyle 12 pointsize 0.6 title "the notes"

set title "the threshold"
set ylabel "absolute gradient" offset 0.5,0
set logscale y
set yrange [*:*]
set format y "10^{%L}"
unset key
plot tables . "/flat-threshold.csv" using "progress":"threshold" with linespoints linetype 1 \
        pointsize 0.45, \
    notes . "/notes-flat-threshold.csv" using (column("epoch") / 200):"threshold" \
        with points linestyle 12 pointsize 0.6
unset multiplot
