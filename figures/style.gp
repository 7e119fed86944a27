# The look all figures share. A figure's script loads this file first, having been given on the
# command line (gnuplot -e "format='svg'; tables='...'; notes='...'")
#   format   svg, pdf or png: the same script draws all three, on standard output
#   tables   the folder of the tables it draws
#   notes    the folder of the notes' own numbers
# and having set `width` and `height`, in inches, if it wants other than these.
#
# Colours are those of M. Okabe and K. Ito, "Color universal design" (2008), which the colour-blind
# can tell apart; each class has its own dash and point beside its colour, so that a figure also
# reads in grey. What is ours is drawn in full strength, what a baseline predicts is dashed and
# grey, what the notes say is an open black diamond, everywhere.

if (!exists("width")) width = 6.3
if (!exists("height")) height = 3.4
if (!exists("format")) format = "png"

if (format eq "svg") {
    set terminal svg size width*96, height*96 font "Helvetica,Arial,sans-serif,12" \
        background "white" linewidth 1.2 dashlength 0.8
}
if (format eq "pdf") {
    set terminal pdfcairo size width, height font "DejaVu Sans,12" linewidth 1.2 dashlength 0.7 \
        background "white"
}
if (format eq "png") {
    set terminal pngcairo size width*192, height*192 font "DejaVu Sans,16" linewidth 2.4 \
        pointscale 1.6 dashlength 0.7 background "white"
}

set encoding utf8
set datafile separator ","
set datafile missing ""

# Okabe-Ito.
blue = 0x0072b2; vermillion = 0xd55e00; green = 0x009e73; purple = 0xcc79a7
sky = 0x56b4e9; orange = 0xe69f00; black = 0x000000; grey = 0x707070; light = 0xd9d9d9

# Line types 1 to 4 are the ratio classes 1 to 4; more series go on with 5 and 6.
set linetype 1 linecolor rgb blue       dashtype 1         pointtype 7  linewidth 1.6
set linetype 2 linecolor rgb vermillion dashtype (12,4)    pointtype 5  linewidth 1.6
set linetype 3 linecolor rgb green      dashtype (6,3)     pointtype 9  linewidth 1.6
set linetype 4 linecolor rgb purple     dashtype (3,2)     pointtype 11 linewidth 1.6
set linetype 5 linecolor rgb orange     dashtype (12,3,3,3) pointtype 13 linewidth 1.6
set linetype 6 linecolor rgb sky        dashtype (8,2,2,2,2,2) pointtype 3 linewidth 1.6

set style line 11 linecolor rgb grey  dashtype (4,3) linewidth 1.6            # a baseline
set style line 12 linecolor rgb black pointtype 12 pointsize 1.1 linewidth 1  # the notes
set style line 13 linecolor rgb light dashtype 1 linewidth 0.8                # rules, the grid

set border 3 linecolor rgb 0x555555 linewidth 0.8
set tics nomirror out scale 0.6 textcolor rgb 0x333333
set grid ytics linestyle 13
set key top right reverse Left samplen 2.4 spacing 1.15 noopaque
set title offset 0,-0.6

# A round distance between tics, for about `count` of them over `range`; 1 where all values are one.
power(x) = x > 0 ? 10**floor(log10(x)) : 1
step(range, count) = (m = range / count / power(range / count), \
    (m < 1.5 ? 1 : m < 3.5 ? 2 : m < 7.5 ? 5 : 10) * power(range / count))
