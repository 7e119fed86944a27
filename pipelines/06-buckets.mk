# Project 2: how large are the ratios?
# ====================================
#
# The notes divide class 1 by the size of the ratio, in their figure into six disjoint intervals
# up to 16. They observe that ratios below 1.2 are the most frequent at first and soon fall, while
# the greater ratios gain, and read in it that the gradient's growth under the perturbation
# increases.
#
# Under the null an interval has the share $\frac2\pi\left(\arctan\frac{b-1}{s} -
# \arctan\frac{a-1}{s}\right)$ of class 1. So one growing $s$ empties the small intervals into the
# large ones, in step with what it does to the classes in [[table classes-summary]]: the figures of
# Project 2 and of the classes are then one observation and not two.
#
# The run behind the notes' figure had twice the weight decay of their other runs, so it is this
# one, too, that stands beside it here:

DOUBLE_DECAY := $(shell awk 'BEGIN { print 2 * $(WEIGHT_DECAY) }')
run.observed-decay := $(subst --weight-decay $(WEIGHT_DECAY),--weight-decay $(DOUBLE_DECAY), \
    $(LONG)) $(STEP) --optimizer sam --rho $(RHO) --seed 1 --dump-epochs all

$(call table,buckets): $(RUNS)/observed-decay/gradients
	bucket-stats --percent --null $< | $(at_epoch_ends)

$(call figure,buckets): $(TABLES)/buckets.csv data/notes-buckets.csv

# @figure buckets
# The intervals of the ratio within class 1, in percent of all parameters. The null is given the
# size of class 1 and has no parameter of its own here: its $s$ is the one fitted to the classes 2,
# 3 and 4 of the same record. The notes' levels are read from their figure in the order in which
# the curve passes them; between the first and the last their places are ours.
#
# Early and late, as in [[table classes-summary]]:

$(call table,buckets-summary): $(TABLES)/buckets.csv data/notes-buckets.csv
	mlr --icsv --ocsv $(stage_means) '^(null_)?[0-9.]+-[0-9inf.]+$$' then $(as_rows) \
	    then rename name,bucket then join --ur -j bucket -f <(mlr --icsv --ocsv \
	        put -q -f pipelines/notes-buckets.mlr $(word 2,$^)) then unsparsify $<

# @table buckets-summary
#   bucket | interval
#   notes_first | early: notes | %.1f
#   ours_early | ours | %.1f
#   null_early | null | %.1f
#   notes_last | late: notes | %.1f
#   ours_late | ours | %.1f
#   null_late | null | %.1f
# The intervals early and late, in percent of all parameters; of the notes the first and the last
# value that their figure shows.
#
# Since the null has the class 1 that was measured, what it leaves over is the shape alone: more
# than the null near 1 and less far from it is a lighter tail than a Cauchy's. Of all parameters
# {{buckets-summary bucket=16-inf ours_late %.2f}} % have a ratio of 16 or more late in the
# training, and {{buckets-summary bucket=16-inf null_late %.2f}} % under the null.
#
# The weight decay
# ----------------
#
# Where batch normalisation follows, only the direction of the weights matters; smaller weights
# have greater gradients, and a perturbation of a given length turns them further. So more weight
# decay ought to increase $s$. The two runs side by side:

classes_by_stage = classify-ratio --percent --null $(RUNS)/$$run/gradients | $(at_epoch_ends) \
    then $(stage_means) '^class|^null_scale'

$(call table,decay): $(RUNS)/observed/gradients $(RUNS)/observed-decay/gradients
	$(call each_run,observed observed-decay,$(classes_by_stage)) | mlr --csv \
	    put '$$weight_decay = $$run == "observed" ? $(WEIGHT_DECAY) : $(DOUBLE_DECAY)'

# @table decay
#   weight_decay | weight decay | %g
#   stage | stage
#   class1_mean | class 1 | %.1f
#   class2_mean | class 2 | %.1f
#   class3_mean | class 3 | %.1f
#   class4_mean | class 4 | %.1f
#   null_scale_mean | $s$ | %.3f
# The classes with the weight decay of the other runs and with twice that, in percent, of one run
# each.
#
# Late in the training $s$ is {{decay stage=late,run=observed null_scale_mean %.3f}}, and
# {{decay stage=late,run=observed-decay null_scale_mean %.3f}} with twice the weight decay.
