# The loss of two illustrations: a flat valley between two walls, of which the right one levels off.
# f is the loss of one weight x, d its derivative.

logistic(x) = 1 / (1 + exp(-x))
f(x) = exp(-1.7 * (x + 2)) + 4 * logistic(2.2 * (x - 2))
d(x) = -1.7 * exp(-1.7 * (x + 2)) + 8.8 * logistic(2.2 * (x - 2)) * (1 - logistic(2.2 * (x - 2)))
rho = 0.4
set xrange [-3.1:4.6]
set yrange [-0.25:5]
