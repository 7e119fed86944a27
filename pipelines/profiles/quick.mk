# The scale of this copy: quick
# =============================
#
# **This copy was made at the `quick` scale**: everything in 14 minutes on two processors with
# AVX-512, and in more on two without.
# It is the notes' protocol in small -- the same network made narrower, a subset of Fashion-MNIST
# instead of CIFAR-100, a few epochs instead of 200 -- so its accuracies are not the notes', and
# where a claim of the notes is about the end of a long training it can at most be hinted at here.
# What carries over is the method: every table and figure of the notes is here with its baseline,
# and `make PROFILE=notes paper` makes the same paper at the notes' own scale.

DATASET      := fashion-mnist
DATA         :=
WIDTH        := 8
BATCH        := 64
VAL_FRACTION := 0.01
LR           := 0.05
WEIGHT_DECAY := 0.0005

# The run that is looked at closely, and the many that are only compared.

LONG_TRAIN_SIZE := 6000
LONG_EPOCHS     := 20
GRID_TRAIN_SIZE := 1280
GRID_EPOCHS     := 6

# Steps that are followed one by one after the first epoch, and the epochs whose last step the
# many record.

FOLLOWED_STEPS  := 20
RECORDED_EPOCHS := 5-6

SEEDS := 1 2
RHOS  := 0.1 0.2 0.4 0.6 0.8
RADII := 0.01 0.02 0.05 0.1 0.2 0.4 0.6 0.8
RHO   := 0.1
