# Project 3: does more of class 1 generalise better?
# ==================================================
#
# The notes ask whether the size of class 1 goes with generalisation, and plan three radii. Three
# points cannot answer it: of the six orders of three values two are as extreme as can be, so no
# rank test of them has a two-sided $p$ below one third. Here are more radii and several seeds at
# each. That separates two questions which a plot of all runs mixes: whether the radii with more
# of class 1 have the better accuracies, where the radius may be the cause of both, and whether,
# at one and the same radius, the runs with more of class 1 have.
#
# The runs are those of SAM in Experiment 1, and the same at further radii. A run's class 1 is the
# mean over the last epochs, recorded as there.

RADIUS_RUNS := $(call grid,sam,$(RADII))

$(call table,radius-shares): $(RADIUS_RUNS:%=$(RUNS)/%/gradients)
	$(call each_run,$(RADIUS_RUNS),$(call unless_diverged,classify-ratio --percent --null \
	    $(RUNS)/$$run/gradients))

$(call table,radius-accuracies): $(RADIUS_RUNS:%=$(RUNS)/%/log.csv)
	$(call each_run,$(RADIUS_RUNS),$(accuracy))

$(call table,radius-runs): $(TABLES)/radius-shares.csv $(TABLES)/radius-accuracies.csv
	mlr --icsv --ocsv stats1 -a mean -f class1,null_scale -g rho,seed \
	    then rename class1_mean,class1,null_scale_mean,null_scale \
	    then join -j rho,seed -f $(word 2,$^) then rename accuracy,test_accuracy \
	    then filter 'is_not_empty($$test_accuracy)' then put -q -f pipelines/within.mlr $<

$(call table,radius): $(TABLES)/radius-runs.csv
	mlr --icsv --ocsv stats1 -a count,mean,stddev -f class1,null_scale,test_accuracy -g rho $<

# @table radius
#   rho | $\rho$ | %g
#   class1_count | runs | %d
#   class1_mean | class 1, % | %.2f
#   class1_stddev | sd | %.2f
#   null_scale_mean | $s$ | %.3f
#   test_accuracy_mean | test accuracy, % | %.2f
#   test_accuracy_stddev | sd | %.2f
# Class 1, the scale of the null and the test accuracy by radius: means and standard deviations
# over seeds.
#
# The notes' premise is that a greater radius makes class 1 smaller, as ever more parameters leave
# their attractor. To first order class 1 does not depend on the radius at all, while $s$ is
# proportional to it. But every row is of weights of its own, which the radius has made. At one
# and the same weights, the last ones of the long run, and on the same minibatches, it is the
# radius alone:

$(call table,radius-ladder): $(RUNS)/observed/log.csv
	for rho in $(RADII); do \
	    dump-grads --checkpoint $(RUNS)/observed/checkpoint --batches 4 --rho $$rho | \
	        classify-ratio --percent --null | mlr --icsv --ojson put '$$rho = '$$rho; done | \
	    mlr --ijson --ocsv stats1 -a mean -f class1,null_scale -g rho \
	        then put '$$slope = $$null_scale_mean / $$rho'

# @table radius-ladder
#   rho | $\rho$ | %g
#   class1_mean | class 1, % | %.2f
#   null_scale_mean | $s$ | %.3f
#   slope | $s/\rho$ | %.3f
# Class 1 and the scale of the null by radius at the same weights, means over four minibatches. As
# far as the first order reaches, the second and the last column are constant.

$(call figure,radius): $(TABLES)/radius-runs.csv

# @figure radius
# Class 1 and test accuracy, all runs. At the left as they are, at the right as deviations from
# the means of their radius.
#
# Spearman's coefficient, over the runs as if they were independent, over the means of the radii,
# and within radii, where it is the mean over radii:

$(call table,correlation): $(TABLES)/radius-runs.csv
	awk -v x=class1 -v y=test_accuracy -v group=rho -f pipelines/statistics.awk \
	    -f pipelines/correlate.awk $<

# @table correlation
#   over | over
#   n | points | %d
#   coefficient | Spearman's coefficient | %.2f
#   p | $p$ | %.2g
#   smallest_p | smallest possible | %.2g
# The rank correlation of class 1 and test accuracy. $p$ is two-sided, from permutations: of the
# accuracies, or, within the groups, which are the radii, of the seeds in all of them alike, as runs
# of one seed have weights and images in common.
#
# The notes' two cases differ in the last row: "the number of `checkpoint1` does not affect
# generalization" predicts a coefficient near 0 there, a causal link one of the same sign as in the
# first. The first two rows mix them, and a radius that is too great for any training makes them
# high by itself. With two seeds there are two orders, both as far from 0, and the last row
# tests nothing.
