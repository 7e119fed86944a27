# Project 3: does more of class 1 go with better generalisation? Every point is a run; shape and
# shade tell its radius. Left: as measured. Right: what is left of it between runs of one radius, as
# deviations from the radius's means, where the radius itself can no longer be the common cause.

width = 6.3
height = 3.1
load "figures/style.gp"
set datafile columnheaders

table = tables . "/radius-runs.csv"
rhos = system("mlr --icsv --onidx count-distinct -f rho then sort -nf rho then cut -f rho " . table)
marks = "7 5 9 11 13 15 6 4 8 10 12 14"
# From dark blue to yellow, growing lighter: the order of the radii reads in grey too.
shades = "0x30123b 0x3d4f9f 0x0072b2 0x199a9a 0x46b36b 0x8fbf3f 0xc9b62a 0xe69f00 0xf0c25a 0xf4da9a"
shade(i) = int(word(shades, (i - 1) % words(shades) + 1))
mark(i) = int(word(marks, (i - 1) % words(marks) + 1))
run(i, name) = column("rho") == real(word(rhos, i)) ? column(name) : NaN

set multiplot layout 1,2 margins 0.085,0.875,0.165,0.9 spacing 0.115,0
set grid xtics
set offsets graph 0.06, graph 0.06, graph 0.06, graph 0.06
unset key

stats table using "class1" name "share" nooutput
stats table using "class1_within" name "within" nooutput

set title "runs as they are"
set xtics step(share_max - share_min, 4)
set xlabel "class 1, % of all parameters" offset 0,0.3
set ylabel "test accuracy, %" offset 1.2,0
plot for [i = 1:words(rhos)] table using (run(i, "class1")):(run(i, "test_accuracy")) \
    with points pointtype mark(i) pointsize 0.8 linecolor rgb shade(i)

set title "deviations from the means of a radius"
set xtics step(within_max - within_min, 4)
set xlabel "class 1, points" offset 0,0.3
set ylabel "test accuracy, points" offset 0,0
set key at screen 0.995,0.9 right top samplen 0.5 title "ρ"
plot for [i = 1:words(rhos)] table using (run(i, "class1_within")):(run(i, "accuracy_within")) \
    with points pointtype mark(i) pointsize 0.8 linecolor rgb shade(i) title word(rhos, i)
unset multiplot
