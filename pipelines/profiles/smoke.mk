# The scale of this copy: smoke
# =============================
#
# **This copy was made at the `smoke` scale, which only shows that the whole chain works**: a
# network of a few channels sees a few hundred images for a few epochs. Every rule of every
# chapter has run, every number below comes from a real run, and none of them says anything about
# the notes' claims.

DATASET      := fashion-mnist
DATA         :=
WIDTH        := 2
BATCH        := 32
VAL_FRACTION := 0.002
LR           := 0.05
WEIGHT_DECAY := 0.0005

LONG_TRAIN_SIZE := 240
LONG_EPOCHS     := 4
GRID_TRAIN_SIZE := 128
GRID_EPOCHS     := 2

# Steps that are followed one by one after the first epoch, and the epochs whose last step the
# many record.

FOLLOWED_STEPS  := 6
RECORDED_EPOCHS := 2

SEEDS := 1 2
RHOS  := 0.1 0.4
RADII := 0.05 0.1 0.4
RHO   := 0.1
