# Experiment 4: the gradient's norm and the test accuracy over training for two batch sizes and the
# learning rates of the larger one.

width = 6.3
height = 3.0
load "figures/style.gp"
set datafile columnheaders

table = tables . "/large-batches-curves.csv"
arms = system("mlr --icsv --onidx count-distinct -f arm then cut -f arm " . table)
slash(arm) = strstrt(arm, "/")
label(arm) = sprintf("batch %s, lr %s", arm[1:slash(arm) - 1], arm[slash(arm) + 1:*])
of(arm, name) = strcol("arm") eq arm ? column(name) : NaN

set multiplot layout 1,2 margins 0.085,0.985,0.165,0.9 spacing 0.115,0
set xlabel "share of the training done" offset 0,0.3
set xrange [-0.03:1.03]
set xtics 0,0.25,1

set title "norm of the minibatch gradient"
set logscale y
set ytics add ("0.2" 0.2, "0.5" 0.5, "2" 2, "5" 5, "20" 20, "50" 50)
set key bottom left samplen 2
plot for [i = 1:words(arms)] table using "progress":(of(word(arms, i), "gradient_norm")) \
    with linespoints linetype i pointsize 0.4 title label(word(arms, i))

set title "accuracy on the validation images, %"
unset logscale y
unset key
plot for [i = 1:words(arms)] table using "progress":(of(word(arms, i), "val_accuracy")) \
    with linespoints linetype i pointsize 0.4
unset multiplot
