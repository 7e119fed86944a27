# What is measured, and against what
# ==================================
#
# The setting
# -----------
#
# Sharpness-aware minimization (P. Foret et al., 2021) takes two gradients a step, on the same
# minibatch $B$: one at the weights $w$, one a distance $\rho$ uphill,
#
# $$g = \nabla L_B(w), \qquad g' = \nabla L_B\!\left(w + \rho\,\frac{g}{\lVert g\rVert}\right),$$
#
# and moves the weights by the second. The notes look at the ratio $r_i = g'_i / g_i$ of each
# single parameter, and sort the parameters by it into four classes, which they call `checkpoint1`
# to `checkpoint4`:
#
# | class | ratio            | the perturbed gradient has              |
# |:------|:-----------------|:----------------------------------------|
# | 1     | $r > 1$          | the same sign, a greater magnitude      |
# | 2     | $0 \le r \le 1$  | the same sign, no greater magnitude     |
# | 3     | $r < -1$         | the opposite sign, a greater magnitude  |
# | 4     | $-1 \le r < 0$   | the opposite sign, no greater magnitude |
#
# The class is decided without dividing, so it is exact for any two floating-point numbers. Where
# $g_i = 0$, or one of the two is not finite, there is no ratio; such parameters are counted
# apart.
#
# The network is the notes' ResNet-18 for images of 32×32 (K. He et al., 2016): a 3×3 stem, eight
# basic blocks in four stages, one linear layer. Images are cropped, flipped and cut out at
# random; the optimizer is SGD with momentum 0.9, into which goes, in the gradient's place, what
# each experiment says; the learning rate falls to zero along a cosine. Weight decay enters
# neither $g$ nor $g'$. These are the options that all runs share, those of the one run that is
# looked at closely, and those of the many that are only compared:

COMMON := --dataset $(DATASET) $(if $(DATA),--data $(DATA)) --width $(WIDTH) \
    --val-fraction $(VAL_FRACTION) --weight-decay $(WEIGHT_DECAY) --test-every 0
STEP := --batch-size $(BATCH) --lr $(LR)
LONG := $(COMMON) --train-size $(LONG_TRAIN_SIZE) --epochs $(LONG_EPOCHS)
GRID := $(COMMON) --train-size $(GRID_TRAIN_SIZE) --epochs $(GRID_EPOCHS)

# The last minibatch of an epoch is smaller where they do not come out even. It is the one at
# which the notes' author recorded, so it is ours too; this many steps are an epoch of the long
# run:

LONG_STEPS := $(shell echo $$((($(LONG_TRAIN_SIZE) + $(BATCH) - 1) / $(BATCH))))

# The two kinds of runs against the notes', from what the runs themselves keep of their options:

$(call table,scale): data/notes-protocol.csv $(RUNS)/observed/parameters \
    $(RUNS)/sgd_0_$(firstword $(SEEDS))/parameters
	awk -v radii='$(sort $(RHOS) $(RADII))' -v seeds=$(words $(SEEDS)) -f pipelines/scale.awk \
	    $(wordlist 1,3,$^)

# @table scale
#   meaning | option
#   long | the long run
#   grid | the compared runs
#   notes | the notes
# What was run for this copy of the paper, and for the notes.
#
# The baselines
# -------------
#
# A count of classes means nothing by itself; it has to be held against what would be seen if
# there were nothing to see. To first order in $\rho$, with $H$ the Hessian,
#
# $$g' = g + \rho\,\frac{Hg}{\lVert g\rVert} + \dots, \qquad
#   r_i - 1 \approx \frac{\rho}{\lVert g\rVert}\,\frac{(Hg)_i}{g_i}.$$
#
# So $r_i > 1$ says only that $(Hg)_i$ and $g_i$ have the same sign: to first order class 1 does
# not depend on $\rho$ at all, and where the signs have nothing to do with each other its share is
# one half. The notes' "over 60 %" is to be read against 50 %.
#
# Suppose more: that $g_i$ and $h_i = \rho (Hg)_i/\lVert g\rVert$ are independent, centred and
# Gaussian. Then $h_i/g_i$ has a Cauchy distribution whose scale is the quotient $s$ of the two
# standard deviations, $r = 1 + s\,C$, and every share follows from one number:
#
# $$P(1) = \tfrac12,\quad P(2) = \tfrac1\pi\arctan\tfrac1s,\quad
#   P(4) = \tfrac1\pi\left(\arctan\tfrac2s - \arctan\tfrac1s\right),\quad
#   P(3) = \tfrac12 - \tfrac1\pi\arctan\tfrac2s,$$
#
# $$P(1 < r < b \mid r > 1) = \tfrac2\pi\arctan\tfrac{b-1}{s}.$$
#
# This is **the null** below. Its $s$ is fitted to each record by maximum likelihood from the
# counts of classes 2, 3 and 4; class 1, which is one half whatever $s$, takes no part. What the
# null explains is no finding about the loss; what it does not explain may be. Since a Cauchy
# variable has no mean, nothing here averages ratios.
#
# Other questions have their own baselines, which their chapters name: the overlap of two sets
# that chance gives, what a permutation gives, the disagreement that rounding or another minibatch
# alone makes, and, for accuracies, the spread between seeds. Every accuracy is the mean over
# seeds with the 95 % interval of Student's $t$; every comparison of updates is paired by seed,
# because two runs of one seed begin with the same weights and see the same images in the same
# order.
