# The scale of this copy: notes
# =============================
#
# This copy was made at the notes' own scale: ResNet-18 of width 64 on CIFAR-100, 45,000 training
# and 5,000 validation images, 200 epochs of minibatches of 256.
#
# The images are fetched first (`make data-cifar100` does that alone). One run is 35,200 steps of
# two gradients; the notes' author had a GPU, on which that took one and a half hours, and here it
# is days of a small server, so copy the tree to a large one, where `make -jN PROFILE=notes paper`
# trains N runs side by side, goes on after any interruption, and `make PROFILE=notes status` says
# how far it is.
# Seeds may be added later (`SEEDS="1 2 3 4 5"`): what is done stays done. The streams of
# gradients take about 20 GB for each of the two runs that are looked at closely and 1 GB for each
# run of SAM.

DATASET      := cifar100
DATA         := $(DATA_DIR)/cifar100
WIDTH        := 64
BATCH        := 256
VAL_FRACTION := 0.1
LR           := 0.1
WEIGHT_DECAY := 0.0005

LONG_TRAIN_SIZE := 45000
LONG_EPOCHS     := 200
GRID_TRAIN_SIZE := 45000
GRID_EPOCHS     := 200

# Steps that are followed one by one after the first epoch, and the epochs whose last step the
# many record.

FOLLOWED_STEPS  := 30
RECORDED_EPOCHS := 191-200

SEEDS := 1 2 3
RHOS  := 0.1 0.2 0.4 0.6 0.8
RADII := 0.01 0.02 0.05 0.1 0.2 0.4 0.6 0.8
RHO   := 0.1
