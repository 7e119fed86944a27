# Classes 1 and 2 in one dimension (the notes' checkpoint.png): a flat valley between two walls, of
# which the right one levels off. Uphill the slope grows on a convex wall (class 1) and falls
# on the shoulder, where the loss is concave (class 2).

width = 6.3
height = 3.2
load "figures/style.gp"
load "figures/valley.gp"

N = 4
array X[4] = [-2.35, 1.05, 2.25, 3.0]
array NAME[4] = ["class 1", "class 1", "class 2", "class 2"]
array DX[4] = [0.62, -0.62, 0.85, 0.55]
array DY[4] = [0.05, 0.35, -0.62, -0.62]
load "figures/illustration.gp"
