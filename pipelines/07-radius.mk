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
	$(call each_run,$(RADIUS_RUNS),classify-ratio --percent --null $(RUNS)/$$run/gradients)

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
# proportional to it; the table shows how far that holds.

$(call figure,radius): $(TABLES)/radius-runs.csv

# @figure radius
# Class 1 and test accuracy, all runs. At the left as they are, at the right as deviations from
# the means of their radius.
#
# Spearman's coefficient, over the runs as if they were independent, over the means of the radii,
# and within radii:

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
# accuracies, or, within radii, of the accuracies of each radius.
#
# The notes' two cases can be read off the last row: "the number of `checkpoint1` does not affect
# generalization" predicts a coefficient near 0 there, a causal link one that keeps its sign and
# size from the first row to the last.
