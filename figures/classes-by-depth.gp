# The classes at the end of training along the depth of the network: one place a convolution, in
# the order of the forward pass, shortcuts where they join.

width = 6.3
height = 3.4
load "figures/style.gp"
set datafile columnheaders

table = tables . "/classes-by-depth.csv"
set title "ratio classes of each convolution and of the linear layer, last record"
set ylabel "% of the tensor's parameters" offset 1,0
set yrange [0:100]
set xrange [0.3:*]
set offsets 0,0.7,0,0
set xtics rotate by 55 right font ",".(format eq "png" ? "12" : format eq "pdf" ? "6.5" : "9")
set bmargin 6.2
set rmargin 14
set key outside right center width -3
plot table using "depth":"null_class1":xtic(strcol("label")) with lines linestyle 11 \
        title "null, class 1", \
    for [k = 1:4] table using "depth":sprintf("class%d", k) \
        with linespoints linetype k pointsize 0.7 title sprintf("class %d", k)
