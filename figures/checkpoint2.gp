# Classes 3 and 4 in one dimension (the notes' checkpoint2.png): the perturbation carries a weight
# over the top of a hump, so the slope changes its sign. Near the top it comes back steeper than it
# was (class 3); from further down it lands short of the slope it left (class 4).

width = 6.3
height = 3.2
load "figures/style.gp"

bump(x) = 3.4 * exp(-(x + 1.6)**2 / 0.72)
f(x) = bump(x) + 0.14 * (x - 1.4)**2
d(x) = bump(x) * -2 * (x + 1.6) / 0.72 + 0.28 * (x - 1.4)
rho = 0.62

N = 2
array X[2] = [-2.21, -1.86]
array NAME[2] = ["class 4", "class 3"]
array DX[2] = [-0.85, -0.8]
array DY[2] = [-0.10, 0.36]
set xrange [-4:4.6]
set yrange [-0.25:5.6]
load "figures/illustration.gp"
