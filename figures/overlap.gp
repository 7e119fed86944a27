# Experiments 2 and 3: how much of the reference class-1 set is class 1 again at a later step, and
# how much has been class 1 at every step since; each against what chance gives to sets of the
# same sizes.

width = 6.3
height = 2.9
load "figures/style.gp"
set datafile columnheaders

set multiplot layout 1,2 margins 0.085,0.985,0.165,0.9 spacing 0.115,0
set ylabel "% of the reference set" offset 1,0

set title "Experiment 2: class 1 at one later step"
set xlabel "share of the training done" offset 0,0.3
set xrange [-0.03:1.03]
set yrange [0:100]
set xtics 0,0.25,1
set key bottom right
plot tables . "/overlap.csv" using "progress":"overlap_percent" with linespoints linetype 1 \
        pointsize 0.5 title "measured", \
    "" using "progress":"chance_percent" with lines linestyle 11 title "chance, all parameters", \
    "" using "progress":"tensor_chance_percent" with lines linecolor rgb black dashtype (1,3) \
        linewidth 1.3 title "chance, tensor by tensor", \
    "" using "progress":"notes_percent" with points linestyle 12 title "the notes"

set title "Experiment 3: class 1 at every step since"
set xlabel "steps after the reference" offset 0,0.3
set ylabel
set logscale y
set xrange [-0.5:*]
set yrange [*:150]
set xtics auto
set format y "10^{%L}"
set key bottom left
plot tables . "/running.csv" using "steps_after":"surviving_percent" with linespoints linetype 1 \
        pointsize 0.5 title "measured", \
    "" using "steps_after":"chance_percent" with lines linestyle 11 title "chance", \
    "" using "steps_after":"tensor_chance_percent" with lines linecolor rgb black dashtype (1,3) \
        linewidth 1.3 title "chance, tensor by tensor", \
    "" using "steps_after":"notes_percent" with points linestyle 12 title "the notes"
unset multiplot
