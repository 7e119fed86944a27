# Classes 1 and 2 in one dimension (the notes' checkpoint.png): a flat valley between two walls, of
# which the right one levels off. Uphill the slope grows on a convex wall (class 1) and falls
# on the shoulder, where the loss is concave (class 2).

width = 6.3
height = 3.2
load "figures/style.gp"

logistic(x) = 1 / (1 + exp(-x))
f(x) = exp(-1.7 * (x + 2)) + 4 * logistic(2.2 * (x - 2))
d(x) = -1.7 * exp(-1.7 * (x + 2)) + 8.8 * logistic(2.2 * (x - 2)) * (1 - logistic(2.2 * (x - 2)))
rho = 0.4

N = 4
array X[4] = [-2.35, 1.05, 2.25, 3.0]
array NAME[4] = ["class 1", "class 1", "class 2", "class 2"]
array DX[4] = [0.62, -0.62, 0.68, 0.42]
array DY[4] = [0.05, 0.35, -0.35, -0.75]
set xrange [-3.1:4.6]
set yrange [-0.25:5]
load "figures/illustration.gp"
