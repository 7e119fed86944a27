# The floor: rounding, another minibatch, later weights
# =====================================================
#
# Before a change of class can mean anything, one has to know how many parameters change theirs
# for no reason that matters. Three pairs of records, of the long run:
#
# - *rounding*: the last weights and one minibatch, once in the arithmetic of the training and
#   once in double precision;
# - *minibatch*: the last weights and two minibatches;
# - *later*: one minibatch, at the last weights and after one more epoch at a tenth of the
#   learning rate.

run.later := $(COMMON) --train-size $(LONG_TRAIN_SIZE) --epochs 1 --batch-size $(BATCH) \
    --lr $(shell awk 'BEGIN { print $(LR) / 10 }') --optimizer sam --rho $(RHO) --seed 1 \
    --weights $(RUNS)/observed/weights.safetensors
$(RUNS)/later/parameters: $(RUNS)/observed/log.csv

# The same options give the same minibatches, whatever the weights.

probe = dump-grads --dataset $(DATASET) $(if $(DATA),--data $(DATA)) --seed 1 --rho $(RHO) \
    --train-size $(LONG_TRAIN_SIZE) --val-fraction $(VAL_FRACTION) --batch-size $(BATCH) \
    --weights $(RUNS)/$(1)/weights.safetensors

$(call pair,rounding): $(RUNS)/observed/log.csv
	$(call probe,observed); $(call probe,observed) --kernels double

$(call pair,minibatch): $(RUNS)/observed/log.csv
	$(call probe,observed) --batches 2

$(call pair,later): $(RUNS)/observed/log.csv $(RUNS)/later/log.csv
	$(call probe,observed); $(call probe,later)

# A parameter keeps its class if it is in class $k$ of both records, for one of the four $k$;
# independent records let $\sum_k \lvert A_k\rvert\,\lvert B_k\rvert/n$ keep it.

$(call table,floor): $(PAIRS)/rounding $(PAIRS)/minibatch $(PAIRS)/later
	for pair in rounding minibatch later; do for class in 1 2 3 4; do \
	    overlap --class $$class $(PAIRS)/$$pair | mlr --icsv --ojson tail -n 1 \
	        then put '$$pair = "'$$pair'"'; done; done | mlr --ijson --ocsv \
	    stats1 -a sum -f overlap,chance -g pair,parameters \
	    then put '$$changed_percent = 100 * (1 - $$overlap_sum / $$parameters)' \
	    then put '$$chance_percent = 100 * (1 - $$chance_sum / $$parameters)' \
	    then put '$$kappa = 1 - $$changed_percent / $$chance_percent'

# @table floor
#   pair | pair
#   changed_percent | change class, % | %.3g
#   chance_percent | by chance, % | %.2f
#   kappa | $\kappa$ | %.3f
# How many parameters change their class from one record to the other, and how many do between
# records that have nothing to do with each other.
#
# Rounding sets the floor. One minibatch is little to tell it by: it moves next to nothing until it
# tips a ReLU, and then much. So here it is over more of them:

FLOOR_BATCHES := 16

$(call table,floor-rounding): $(RUNS)/observed/log.csv
	$(call probe,observed) --floor double --batches $(FLOOR_BATCHES) | \
	    mlr --csv stats1 -a count,mean,max -f changed_percent

# Over {{floor-rounding first changed_percent_count}} minibatches rounding changes the class of
# {{floor-rounding first changed_percent_mean %.2g}} % of the parameters in the mean, and of
# {{floor-rounding first changed_percent_max %.2g}} % at the most.
#
# The table's second row tells whether a class belongs to the parameter, "this parameter is on a
# ridge", or to the minibatch: where $\kappa$ is near 0 another minibatch at the same weights sorts
# the parameters anew. The third row tells how much of a minibatch's own sorting outlives the
# movement of the weights.
#
# And the other end: with $\rho = 0$ the perturbed gradient is the current one, every ratio is
# exactly 1, and class 1 must be empty. A trainer that changed anything between the two gradients
# -- the augmentation, the statistics of batch normalisation, the weights after their return --
# would show it here.

$(call pair,rho-zero): $(RUNS)/observed/log.csv
	$(call probe,observed) --rho 0

$(call table,rho-zero): $(PAIRS)/rho-zero
	classify-ratio --percent $<

# @table rho-zero
#   parameters | parameters | %d
#   class1 | class 1, % | %g
#   class2 | class 2, % | %g
#   class3 | class 3, % | %g
#   class4 | class 4, % | %g
#   undefined | undefined, % | %g
# The classes at the last weights with $\rho = 0$.
