# Experiment 1: what each update gains over SGD in test accuracy, one panel a radius. The bar is the
# 95 % interval of the mean over paired seeds; the notes' single runs beside it.

width = 6.3
height = 3.6
load "figures/style.gp"
set datafile columnheaders

table = tables . "/experiment-1.csv"
rhos = system("mlr --icsv --onidx count-distinct -f rho then cut -f rho " . table)
panels = words(rhos)
updates = system("mlr --icsv --onidx filter '$update != \"sgd\"' " . \
    "then count-distinct -f update then cut -f update " . table)
row(update) = sum[i = 1:words(updates)] (word(updates, i) eq update ? words(updates) + 1 - i : 0)
# A column of the panel's rows, SGD's left out: it is what the others are compared with.
gain(rho, name) = strcol("update") ne "sgd" && column("rho") == real(rho) ? column(name) : NaN
# An end of the interval; of a single seed there is none, and the bar is a point.
bound(name) = strcol(name) eq "" ? column("gain") : column(name)

# One range for all panels, so that they compare: wide enough for most gains, not for the interval of
# two seeds that disagree, which would leave the others no room.
stats table using (abs(column("gain"))) name "ours" nooutput
noted_max = real("0" . system("mlr --icsv --onidx put '$size = abs($notes_gain)' " . \
    "then stats1 -a max -f size " . table)) # nothing where the notes have none of the radii
reach = 2.5 * ours_up_quartile > 1.2 * noted_max ? 2.5 * ours_up_quartile : 1.2 * noted_max
within(x) = x < -reach ? -reach : x > reach ? reach : x
inside(x) = abs(x) <= reach ? x : NaN
beyond(x) = abs(x) > reach ? within(x) : NaN

set multiplot layout 1,panels margins 0.155,0.985,0.2,0.92 spacing 0.018,0
set yrange [0.4:words(updates) + 0.6]
set grid xtics noytics
set xrange [-1.06 * reach:1.06 * reach]
set xtics step(2 * reach, 3)
unset ytics
set ytics scale 0 ()
do for [i = 1:words(updates)] {
    name = word(updates, i)
    set ytics add (name eq "sam" ? "SAM" : name words(updates) + 1 - i)
}
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linecolor rgb grey linewidth 0.8 dashtype 1 back
unset key
do for [k = 1:panels] {
    rho = word(rhos, k)
    set title sprintf("ρ = %s", rho)
    if (k > 1) { unset ytics }
    if (k == (panels + 1) / 2) {
        set xlabel "points of test accuracy gained over SGD" offset 0,0.4
    } else { unset xlabel }
    if (k == panels) { set key at screen 0.985,0.055 right maxrows 1 width -1 }
    plot table using (inside(gain(rho, "gain"))):(row(strcol("update"))): \
            (within(bound("gain_low"))):(within(bound("gain_high"))) \
            with xerrorbars linetype 1 pointsize 0.6 linewidth 1.3 \
            title "measured, mean and 95 % interval", \
        table using (beyond(gain(rho, "gain"))):(row(strcol("update"))): \
            (within(bound(gain(rho, "gain") < 0 ? "gain_high" : "gain_low")) - \
                within(gain(rho, "gain"))):(0) \
            with vectors nohead linetype 1 linewidth 1.3 notitle, \
        table using (beyond(gain(rho, "gain"))):(row(strcol("update"))): \
            (gain(rho, "gain") < 0 ? "◀" : "▶") \
            with labels textcolor linetype 1 notitle, \
        table using (gain(rho, "notes_gain")):(row(strcol("update")) - 0.25) \
            with points linestyle 12 pointsize 0.7 title "the notes, single runs"
}
unset multiplot
