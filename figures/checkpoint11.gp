# Two weights of class 1 (the notes' checkpoint11.png): one on the steep wall, in "the sharper
# region", which the notes call checkpoint1.1, and one near the floor, in "the flatter region",
# checkpoint1.2. The ratio does not tell them apart; the magnitude of the gradient does.

width = 6.3
height = 3.2
load "figures/style.gp"
load "figures/valley.gp"

N = 2
array X[2] = [-2.35, 0.1]
array NAME[2] = [sprintf("1.1, sharper: |g| = %.2f", abs(d(X[1]))), \
                 sprintf("1.2, flatter: |g| = %.2f", abs(d(X[2])))]
array DX[2] = [1.15, 0.0]
array DY[2] = [0.1, 0.72]
load "figures/illustration.gp"
