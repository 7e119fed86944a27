# Experiment 4: large batches
# ===========================
#
# The notes train by SGD with minibatches four times as large. They see a smaller gradient norm
# and a lower accuracy, a higher accuracy with twice the learning rate, and take the smaller norm
# for a sign that a larger batch learns more slowly.
#
# But a smaller norm is what a larger batch gives without learning differently. The gradient of a
# minibatch of $B$ images is the gradient $G$ of the expected loss, plus noise of covariance
# $\Sigma/B$:
#
# $$\mathbb{E}\,\lVert g_B\rVert^2 = \lVert G\rVert^2 + \frac{\operatorname{tr}\Sigma}{B},
#   \qquad \lVert G\rVert^2 \approx
#   \frac{B_2\,\lVert g_{B_2}\rVert^2 - B_1\,\lVert g_{B_1}\rVert^2}{B_2 - B_1}.$$
#
# The estimate at the right (S. McCandlish et al., 2018) takes the gradients of two batch sizes at
# the same weights and leaves out the noise. (Through batch normalisation an image's gradient
# depends a little on its minibatch, so that $G$ is not quite the same at both sizes.)
#
# The runs: the other chapters' SGD, and minibatches four times as large at the same learning
# rate, at twice and at four times that. The last is what the rule of linear scaling asks for (P.
# Goyal et al., 2017); it is missing from the notes. All train for as many epochs, so the large
# minibatches make a quarter of the steps.

LARGE_BATCH := $(shell echo $$((4 * $(BATCH))))
LARGE_BATCH_RATES := $(shell awk 'BEGIN { print $(LR), 2 * $(LR), 4 * $(LR) }')

define batch_run
run.large-batch_$(1)_$(2) := $(GRID) --batch-size $(LARGE_BATCH) --lr $(1) --optimizer sgd \
    --seed $(2)
endef
$(foreach l,$(LARGE_BATCH_RATES),$(foreach s,$(SEEDS),$(eval $(call batch_run,$l,$s))))
LARGE_BATCH_RUNS := $(foreach l,$(LARGE_BATCH_RATES),$(SEEDS:%=large-batch_$l_%))
BATCH_RUNS := $(SGD_RUNS) $(LARGE_BATCH_RUNS)

# What they come to, paired by seed with the SGD of the smaller batch:

$(call table,large-batches-runs): $(BATCH_RUNS:%=$(RUNS)/%/log.csv)
	$(call each_run,$(BATCH_RUNS),$(accuracy))

# The gradients at the last weights of each run, of both batch sizes, over the same number of
# images, each drawn and augmented independently of the others, which the formula takes for granted;
# and what they say of $\lVert G\rVert^2$, with its standard error.

NORM_IMAGES := $(shell echo $$((16 * $(LARGE_BATCH))))
norms = for size in $(BATCH) $(LARGE_BATCH); do dump-grads --checkpoint $(RUNS)/$$run/checkpoint \
    --replacement --batch-size $$size --batches $$(($(NORM_IMAGES) / size)); done | grad-info | \
    mlr --csv json-parse -f metadata then flatten

$(call table,large-batches-squares): $(BATCH_RUNS:%=$(RUNS)/%/log.csv)
	$(call each_run,$(BATCH_RUNS),$(call unless_diverged,$(norms))) | mlr --csv rename metadata.batch_size,batch_size \
	    then put '$$square = $$gradient_norm ** 2' \
	    then stats1 -a count,mean,var -f square -g update,rho,seed,batch_size

$(call table,large-batches-norms): $(TABLES)/large-batches-squares.csv
	mlr --csv put -q -s small=$(BATCH) -s large=$(LARGE_BATCH) -f pipelines/noise-scale.mlr $<

arms = put -s small=$(BATCH) -s large=$(LARGE_BATCH) -s rate=$(LR) -f pipelines/batch-arms.mlr

$(call table,large-batches): $(TABLES)/large-batches-runs.csv $(TABLES)/large-batches-norms.csv
	awk -f pipelines/statistics.awk -f pipelines/compare.awk $< | mlr --icsv --ocsv \
	    put 'if ($$update == "sgd") { $$rho = 0 }' \
	    then join -j update,rho -f $(word 2,$^) then $(arms)

# @table large-batches
#   batch_size | batch | %d
#   lr | learning rate | %g
#   seeds | seeds | %d
#   mean | test accuracy, % | %.2f
#   half | ± | %.2f
#   gain | gain | %.2f
#   norm_small | $\lVert g\rVert$, small | %.3f
#   norm_large | $\lVert g\rVert$, large | %.3f
#   common | $\lVert G\rVert^2$ | %.3f
#   common_error | ± | %.3f
# SGD with minibatches of two sizes. The gain is over the first row, by pairs of a seed. The norms
# are root mean squares at the last weights of all seeds, of small and of large minibatches; beside
# the estimate of $\lVert G\rVert^2$, which noise can make negative, is its standard error.
#
# Within a row the two norms are of the same weights, so that the second can be smaller than the
# first for no reason but the number of images: what the notes saw, without any training. The last
# columns are what is left when the noise is taken out. Only there could a slower learning show.

BATCH_CURVES := $(filter %_$(firstword $(SEEDS)),$(BATCH_RUNS))
$(call table,large-batches-curves): $(BATCH_CURVES:%=$(RUNS)/%/log.csv)
	$(call each_run,$(BATCH_CURVES),cat $(RUNS)/$$run/log.csv) | mlr --csv \
	    cut -f run,update,rho,epoch,gradient_norm,val_accuracy then $(arms) \
	    then put '$$progress = $$epoch / $(GRID_EPOCHS)' \
	    then put '$$arm = $$batch_size . "/" . $$lr'

$(call figure,large-batches): $(TABLES)/large-batches-curves.csv

# @figure large-batches
# The norm of the gradient of the last minibatch of each epoch (which has fewer images where they do
# not come out even), and the accuracy on the validation images, for the first seed.
