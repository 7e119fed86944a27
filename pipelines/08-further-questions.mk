# The further questions
# =====================
#
# A constant instead of the ratio
# -------------------------------
#
# In class 1, `checkpoint1` multiplies the gradient by the ratio of each parameter. The notes ask
# what a constant would do, and remark that IRE (M. Wang et al., 2024) doubles the learning rate
# of most parameters. In the update table these are $d_i = c\,g_i$ in class 1 and $g_i$ elsewhere;
# the doubled perturbed gradient in class 1, in the other classes, or in all, and $g'_i$ elsewhere.
# The last is SAM with twice the learning rate but for the weight decay, which is not doubled with
# it; SGD with twice the learning rate, and so the decay, is the plainest of all explanations.

update.constant-1.5  := --mix 1=1.5*current
update.constant-2    := --mix 1=2*current
update.doubled-1     := --mix all=perturbed,1=2*perturbed
update.doubled-234   := --mix all=perturbed,234=2*perturbed
update.doubled-all   := --mix all=2*perturbed
FURTHER := constant-1.5 constant-2 doubled-1 doubled-234 doubled-all
DOUBLE_LR := $(shell awk 'BEGIN { print 2 * $(LR) }')
$(foreach s,$(SEEDS),$(eval run.sgd-doubled_0_$s := $(GRID) --batch-size $(BATCH) \
    --lr $(DOUBLE_LR) --optimizer sgd --seed $s))
FURTHER_RUNS := $(SGD_RUNS) $(SEEDS:%=sgd-doubled_0_%) \
    $(call grid,sam checkpoint1 $(FURTHER),$(RHO))

$(call table,further-runs): $(FURTHER_RUNS:%=$(RUNS)/%/log.csv)
	$(call each_run,$(FURTHER_RUNS),$(accuracy))

$(call table,further): $(TABLES)/further-runs.csv
	awk -f pipelines/statistics.awk -f pipelines/compare.awk $<

# @table further
#   update | update
#   seeds | seeds | %d
#   mean | test accuracy, % | %.2f
#   half | ± | %.2f
#   gain | gain over SGD | %.2f
#   gain_low | from | %.2f
#   gain_high | to | %.2f
#   p_holm | p, Holm | %.2g
# Constants and doubled rates, at $\rho$ = {{further update=sam rho %g}}; `doubled-234` doubles the
# classes 2, 3 and 4. Holm's adjustment is for the rows of this table.
#
# Do 60 % of the parameters not converge?
# ---------------------------------------
#
# The notes conclude that "60% of parameters do not converge even after 200 epochs", because so many
# are in class 1. That does not follow: class 1 compares the gradients of one minibatch at two
# places, and of pure noise one half is in class 1. A parameter has not converged to a minimum of
# the *expected* loss where that loss has a gradient. (Weight decay and SAM themselves come to rest
# elsewhere, where $\mathbb{E}\,g' + \lambda w = 0$ with $\lambda$ the weight decay: so where
# gradients are as small as $\lambda w$, this says too often that a parameter moves still.) To see
# that, take the gradients of many minibatches at the last weights, and of each parameter the mean
# against the standard error of the mean. If the expected gradient is zero, the quotient exceeds
# Student's critical value in about 5 % of the cases, if the minibatches are independent. Those of
# an epoch are not, because no image comes twice; these are drawn with replacement.

CONVERGENCE_BATCHES := 64
CRITICAL = $$(awk -f pipelines/statistics.awk -f <(echo 'BEGIN { print \
    t_critical(0.05, $(CONVERGENCE_BATCHES) - 1) }'))

independent = dump-grads --checkpoint $(RUNS)/observed/checkpoint --replacement \
    --batches $(CONVERGENCE_BATCHES)

$(call table,convergence): $(RUNS)/observed/log.csv
	$(independent) | mean-gradient --critical $(CRITICAL) | mlr --csv \
	    put '$$others = $$significant - $$class1_significant' \
	    then put '$$others_percent = 100 * $$others / ($$parameters - $$class1)'

$(call table,convergence-by-kind): $(RUNS)/observed/log.csv
	$(independent) | mean-gradient --critical $(CRITICAL) --by kind

# @table convergence-by-kind
#   kind | kind of parameter
#   parameters | parameters | %d
#   significant_percent | $\mathbb{E} g \ne 0$, % | %.1f
#   class1_percent | class 1, % | %.1f
#   class1_significant_percent | of these $\mathbb{E} g \ne 0$, % | %.1f
#   mean_norm | norm of the mean | %.3f
#   standard_error_norm | of its standard error | %.3f
# The mean gradient over {{convergence first records %d}} minibatches at the last weights of the
# long run. Class 1 is that of the first of them.
#
# Of all parameters {{convergence first significant_percent %.1f}} % have a mean gradient that
# differs from zero at the 5 % level: of those in class 1 {{convergence first
# class1_significant_percent %.1f}} %, of the others {{convergence first others_percent %.1f}} %.
# Whether a parameter is in class 1 says about its convergence what the difference of these two
# numbers says. (The 5 % is exact for Gaussian noise, and a gradient that is not zero may stay
# undetected: more minibatches detect smaller ones.)
#
# Why does preconditioning with $H(w)$ not help more? The notes ask it, but name no experiment,
# and there is none here.
