# What the illustrations share: weights on the graph of a real function of one weight, each with its
# perturbed partner and the ratio r that the function itself gives there.
#
# Before loading this file a script defines the loss f(x), its derivative d(x), the radius rho, and
# the weights to show: their number N and arrays of N, X (place), NAME (what the label says first),
# DX and DY (the label's offset from the point, in graph units). The ranges are set too.
# In one dimension the SAM step e = rho g/|g| goes rho uphill.

partner(x) = x + rho * sgn(d(x))
ratio(x) = d(partner(x)) / d(x)
class(x) = ratio(x) > 1 ? 1 : ratio(x) >= 0 ? 2 : ratio(x) < -1 ? 3 : 4
class_colour(k) = k == 1 ? blue : k == 2 ? vermillion : k == 3 ? green : purple

set print $weights
do for [i = 1:N] {
    x = X[i]
    print sprintf("%g,%g,%g,%g,%d", x, f(x), partner(x), f(partner(x)), class(x))
    minus = ratio(x) < 0 ? "−" : ""
    set label i + 10 sprintf("%s\nr = %s%.2f", NAME[i], minus, abs(ratio(x))) \
        at x + DX[i], f(x) + DY[i] center front textcolor rgb class_colour(class(x))
}
unset print

unset border
unset grid
unset xtics
unset ytics
unset key
set arrow 1 from graph 0,0 to graph 1,0 head filled size graph 0.015,20 \
    linecolor rgb 0x555555 linewidth 0.8 dashtype 1
set arrow 2 from graph 0,0 to graph 0,1 head filled size graph 0.015,20 \
    linecolor rgb 0x555555 linewidth 0.8 dashtype 1
set xlabel "one weight, w" offset 0,0.2
set ylabel "loss, L(w)" offset 1,0
set samples 1000

# The arrow is the perturbation; its open end the partner; the filled point, in its class's colour
# and shape, the current weight.
plot f(x) with lines linecolor rgb 0x555555 linewidth 1.6, \
    $weights using 1:2:($3 - $1):($4 - $2) with vectors head filled size graph 0.012,18 \
        linecolor rgb grey linewidth 1.1 dashtype 1, \
    $weights using 3:4 with points pointtype 6 pointsize 1.0 linewidth 1.4 linecolor rgb grey, \
    for [k = 1:4] $weights using 1:($5 == k ? $2 : NaN) with points linetype k pointsize 1.3
