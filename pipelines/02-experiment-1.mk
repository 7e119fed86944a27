# Experiment 1: which class makes SAM work?
# =========================================
#
# The notes take the perturbed gradient in some of the classes only and the plain gradient
# everywhere else: $d_i = g'_i$ where the class of parameter $i$ is among those named, and $d_i =
# g_i$ where it is not. Thus `checkpoint13` follows SAM in the classes 1 and 3, and SGD in 2 and
# 4. From the test accuracies they conclude that class 1 makes SAM work, and that it does so as a
# greater effective learning rate, "not direction modification". (They speak of flat minima and of
# sharper ones. What they measured are accuracies; sharpness is measured here, in [[table
# sharpness]].)
#
# The runs
# --------
#
# Every update of their two tables, at every radius, for every seed. In the author's code the mask
# of `checkpoint14` is inverted, so what is published in its column is what the classes 2 and 3
# give. Both are trained here, under their true names; the published numbers stand at
# `checkpoint23`.

TABLE_1 := sam checkpoint1 checkpoint2 checkpoint3 checkpoint4
TABLE_2 := checkpoint12 checkpoint13 checkpoint14 checkpoint23 checkpoint134 checkpoint123

update.sam           := --dump-epochs $(RECORDED_EPOCHS)
update.checkpoint1   := --perturbed-classes 1
update.checkpoint2   := --perturbed-classes 2
update.checkpoint3   := --perturbed-classes 3
update.checkpoint4   := --perturbed-classes 4
update.checkpoint12  := --perturbed-classes 1,2
update.checkpoint13  := --perturbed-classes 1,3
update.checkpoint14  := --perturbed-classes 1,4
update.checkpoint23  := --perturbed-classes 2,3
update.checkpoint134 := --perturbed-classes 1,3,4
update.checkpoint123 := --perturbed-classes 1,2,3

# A run is named after its update, radius and seed. SGD has no radius, so its runs serve all.

define sam_run
run.$(1)_$(2)_$(3) := $(GRID) $(STEP) --optimizer sam --rho $(2) --seed $(3) $(update.$(1))
endef
$(foreach s,$(SEEDS),$(eval run.sgd_0_$s := $(GRID) $(STEP) --optimizer sgd --seed $s))

# `$(call grid,UPDATES,RADII)` asks for these runs with all seeds, and stands for their names.

grid = $(foreach u,$(1),$(foreach r,$(2),$(foreach s,$(SEEDS),$(eval $(call \
    sam_run,$u,$r,$s))$u_$r_$s)))
SGD_RUNS := $(SEEDS:%=sgd_0_%)
GRID_RUNS := $(call grid,$(TABLE_1) $(TABLE_2),$(RHOS))

# What a run comes to is the test accuracy of the weights that did best on the validation images,
# measured once, as in the notes; that of the last weights is kept beside it. A run whose loss
# ceased to be finite has none, and its pair is left out.

accuracy = jq -r '"accuracy,last_accuracy,status", (.info | [.best.test_accuracy, \
    .final.test_accuracy, .status] | @csv)' $(RUNS)/$$run/provenance.json

$(call table,experiment-1-runs): $(patsubst %,$(RUNS)/%/log.csv,$(SGD_RUNS) $(GRID_RUNS))
	$(call each_run,$(SGD_RUNS) $(GRID_RUNS),$(accuracy))

# The notes' tables in the same form: a row a cell, what it says, and the number to compare with
# -- the first where it gives two, the author's later one where it says ???.

$(call table,experiment-1-notes): data/notes-accuracy.csv
	mlr --icsv --ocsv head -n 1 -g rho,classes,kind then put -q -f pipelines/notes-cells.mlr $<

# The gain of each update over SGD, over pairs of one seed, and beside it the notes':

$(call table,experiment-1): $(TABLES)/experiment-1-runs.csv $(TABLES)/experiment-1-notes.csv
	awk -f pipelines/statistics.awk -f pipelines/compare.awk $< | mlr --icsv --ocsv \
	    put 'if ($$update == "sgd") { $$rho = "$(subst $(space),;,$(strip $(RHOS)))" }' \
	    then nest --explode --values --across-records -f rho --nested-fs ';' \
	    then join --ur -j rho,update -f $(word 2,$^) then unsparsify then rename text,notes_text \
	    then unsparsify -f notes_text,notes then put -f pipelines/notes-gain.mlr

# The two tables
# --------------
#
# As in the notes, a row a radius, a column an update, and in brackets what the notes have. Bold
# is an update whose gain over SGD is significant at 5 % after Holm's adjustment for all the cells
# of both tables; the notes set the best of a row in bold.

wide = mlr --icsv --ocsv filter '$$update =~ "^($(subst $(space),|,$(strip $(1))))$$"' \
    then put -f pipelines/cells.mlr then cut -f rho,update,cell then reshape -s update,cell

$(call table,experiment-1-table-1): $(TABLES)/experiment-1.csv
	$(call wide,sgd $(TABLE_1)) $<

# @table experiment-1-table-1
#   rho | $\rho$ | %g
#   sgd | SGD
#   sam | SAM
#   checkpoint1 | `checkpoint1`
#   checkpoint2 | `checkpoint2`
#   checkpoint3 | `checkpoint3`
#   checkpoint4 | `checkpoint4`
# Test accuracy in percent, mean over seeds ± half the 95 % interval, and the notes' [single
# runs].

$(call table,experiment-1-table-2): $(TABLES)/experiment-1.csv
	$(call wide,$(TABLE_2)) $<

# @table experiment-1-table-2
#   rho | $\rho$ | %g
#   checkpoint12 | `…12`
#   checkpoint13 | `…13`
#   checkpoint14 | `…14`
#   checkpoint23 | `…23`
#   checkpoint134 | `…134`
#   checkpoint123 | `…123`
# The second table, beside SGD and SAM of the first. `…13` is `checkpoint13`, and so on. What the
# notes print under `checkpoint14` stands at `…23`, which is what their code computes.

$(call figure,experiment-1): $(TABLES)/experiment-1.csv

# @figure experiment-1
# What each update gains over SGD. The notes' gains are differences of two single runs each. An
# interval ends with its panel at the latest; a triangle stands for a mean that lies beyond.
#
# SAM itself, whose gain is to be explained, is better than SGD on average at {{sam-gains first
# gaining}} of the {{sam-gains first radii}} radii here, and significantly, after Holm's adjustment,
# at {{sam-gains first significant}}; the most that it gains, at $\rho$ = {{sam-gains first rho}},
# is {{sam-gains first best %.2f}} points (95 % interval {{sam-gains first gain_low %.2f}} to
# {{sam-gains first gain_high %.2f}}). Where SAM gains nothing, which part of it does is no question
# that this copy can answer.

$(call table,sam-gains): $(TABLES)/experiment-1.csv
	mlr --icsv --ocsv put -q -f pipelines/sam-gains.mlr $<

# And how much is a difference of the notes' single runs worth? Where their author trained a cell
# more than once, the standard deviation of a run is about {{notes-spread quantity=sd_of_one_run
# value}} points, so two runs of one and the same update lie up to {{notes-spread
# quantity=difference_of_two_runs value}} points apart in 19 of 20 cases.

SMALLER_RADII := 0.4
in_spread = $$(mlr --icsv --onidx filter '$$quantity == "$(1)"' then cut -f value \
    data/notes-spread.csv)

$(call table,gains-in-notes): $(TABLES)/experiment-1-notes.csv data/notes-spread.csv
	mlr --icsv --ocsv put -q -s most=$(SMALLER_RADII) \
	    -s noise=$(call in_spread,difference_of_two_runs) -f pipelines/gains-in-notes.mlr $<

# Of the {{gains-in-notes over=sgd cells}} choices of classes in the notes at radii up to
# {{gains-in-notes over=sgd most}}, {{gains-in-notes over=sgd beyond}} gain more than that over
# SGD, but {{gains-in-notes over=sam beyond}} over SAM, the greatest {{gains-in-notes over=sam
# greatest}} points. That parts of SAM gain over SGD is more than the spread of runs; that one of
# them is better than SAM is not.
#
# Significance, and what it takes
# -------------------------------
#
# The best of many cells looks good by chance, so the last column is Holm's probability, for all
# cells of both tables at once. The intervals are of each cell by itself.

$(call table,significance): $(TABLES)/experiment-1.csv
	mlr --csv filter '$$update != "sgd"' then sort -nf p then head -n 10 $<

# @table significance
#   rho | $\rho$ | %g
#   update | update
#   seeds | seeds | %d
#   gain | gain over SGD | %.2f
#   gain_low | from | %.2f
#   gain_high | to | %.2f
#   p | $p$, paired $t$ | %.2g
#   p_holm | after Holm | %.2g
# The ten gains or losses against SGD that are the surest, with their 95 % intervals.
#
# Which class makes SAM work is a comparison with SAM, at the same radius:

$(call table,over-sam): $(TABLES)/experiment-1-runs.csv
	awk -v reference=sam -f pipelines/statistics.awk -f pipelines/compare.awk $< | \
	    mlr --csv filter 'is_not_empty($$gain)' then sort -nf p

$(call table,significance-over-sam): $(TABLES)/over-sam.csv
	mlr --csv head -n 10 $<

# @table significance-over-sam
#   rho | $\rho$ | %g
#   update | update
#   seeds | seeds | %d
#   gain | gain over SAM | %.2f
#   gain_low | from | %.2f
#   gain_high | to | %.2f
#   p | $p$, paired $t$ | %.2g
#   p_holm | after Holm | %.2g
# The ten gains or losses against SAM that are the surest. Holm's adjustment is for all cells but
# SAM's own.
#
# What a gain must be to pass such a test depends on the number of seeds. With the spread of the
# notes' runs:

CELLS := $(words $(foreach r,$(RHOS),$(TABLE_1) $(TABLE_2)))

$(call table,detectable): data/notes-spread.csv
	awk -v tests=$(CELLS) -v sd=$(call in_spread,sd_of_one_run) -v seeds='2 3 5 8 12' \
	    -f pipelines/statistics.awk -f pipelines/detectable.awk

# @table detectable
#   seeds | seeds | %d
#   critical | $\lvert t\rvert$ | %.3g
#   gain | smallest gain, points | %.1f
# The least gain that is significant at 5 % as the best of all cells, if the standard deviation of
# a run is that of the notes'. Where that is more than the gains in question, a test of all cells
# can show nothing: there the intervals speak, and single tests only of cells that were chosen
# before.
#
# McNemar's test asks a narrower question, about these trained networks and not about the
# training: of the test images that only one of two networks gets right, does the update get more
# than half? It is asked at one radius, of SAM and of every choice of classes, for each seed.

MCNEMAR_RUNS := $(SGD_RUNS) $(call grid,$(TABLE_1) $(TABLE_2),$(RHO))
predicting_runs += $(MCNEMAR_RUNS)

$(call table,mcnemar): $(MCNEMAR_RUNS:%=$(RUNS)/%/predictions.csv)
	awk -f pipelines/statistics.awk -f pipelines/mcnemar.awk /dev/null \
	    $$(for run in $(MCNEMAR_RUNS); do \
	        $(call unless_diverged,echo $(RUNS)/$$run/predictions.csv); done)

# @table mcnemar
#   rho | $\rho$ | %g
#   update | update
#   seed | seed | %d
#   won | right where SGD is wrong | %d
#   lost | wrong where SGD is right | %d
#   mcnemar_p | $p$ | %.2g
#   mcnemar_p_holm | after Holm | %.2g
# Test images on which the networks differ, McNemar's exact test, and Holm's adjustment for all
# rows. Seeds that win and lose in turn say how little one pair of networks tells about the
# updates.
#
# Is it the learning rate?
# ------------------------
#
# An update that takes the greater of two gradients moves further, so any of its gains might be
# one of step length alone. That can be tested, because the parts can be taken one at a time. At
# the radius of [[figure classes]]:

update.magnitude      := --mix magnitude
update.direction      := --mix direction
update.step-size      := --control step-size
update.norm-matched   := --perturbed-classes 1 --control norm-matched
update.random-mask    := --perturbed-classes 1 --control random-mask
update.shuffled-ratio := --control shuffled-ratio
CONTROLS := magnitude direction step-size norm-matched random-mask shuffled-ratio

# `magnitude` is $\lvert g'\rvert\,\mathrm{sign}(g)$ and `direction` $\lvert
# g\rvert\,\mathrm{sign}(g')$. `step-size` is $g\,\lVert g'\rVert/\lVert g\rVert$: SGD with SAM's
# step length and nothing else of SAM. `norm-matched` is `checkpoint1` scaled to the length of
# $g'$. `random-mask` takes $g'$ in as many parameters of each tensor as class 1 has, but drawn at
# random, and `shuffled-ratio` multiplies $g$ by the ratios of other parameters of the same
# tensor: both keep the numbers and destroy which parameter they belong to. Neither keeps the
# length of the step: a random choice leaves out that class 1 has the greater gradients, and
# ratios without mean or bound, put to other gradients, make steps of any length.

CONTROL_RUNS := $(SGD_RUNS) $(call grid,sam checkpoint1 $(CONTROLS),$(RHO))
$(call table,controls-runs): $(CONTROL_RUNS:%=$(RUNS)/%/log.csv)
	$(call each_run,$(CONTROL_RUNS),$(accuracy))

gains_over = <(awk -v reference=$(1) -f pipelines/statistics.awk -f pipelines/compare.awk $< | \
    mlr --csv put -s name=over_$(1) -f pipelines/interval.mlr then cut -f rho,update,over_$(1))

$(call table,controls): $(TABLES)/controls-runs.csv
	awk -f pipelines/statistics.awk -f pipelines/compare.awk $< | mlr --csv \
	    join -j rho,update -f $(call gains_over,checkpoint1) \
	    then join -j rho,update -f $(call gains_over,sam) \
	    then join -j rho,update -f $(call gains_over,sgd)

# @table controls
#   update | update
#   seeds | seeds | %d
#   mean | test accuracy, % | %.2f
#   over_sgd | gain over SGD
#   p_holm | p, Holm | %.2g
#   over_sam | over SAM
#   over_checkpoint1 | over `checkpoint1`
# The controls at $\rho$ = {{controls update=sam rho %g}}: means over seeds, and paired differences
# with their 95 % intervals. Holm's adjustment is for the gains over SGD in this table.
#
# If `step-size` gained what SAM gains, the notes' conclusion would hold in its plainest form: its
# difference from SAM tells. If `random-mask` gained what `checkpoint1` does, the class would not
# matter, only how many parameters are scaled. In the notes' own argument neither was tried.
#
# Are the minima flatter?
# -----------------------
#
# With class 1 alone, the notes say, "SAM's ability to find flat minima was maintained", and the
# other classes "resulted in sharper minima". They give no sharpness. What SAM means by it is the
# most that the loss grows by within the radius, to first order $L(w + \rho\,g/\lVert g\rVert) -
# L(w)$ (P. Foret et al., 2021). Here that is measured at the last weights, with $L$ the loss of a
# minibatch of training images, and at one radius whatever the run's own:

SHARPNESS_BATCHES := 16
SHARPNESS_RUNS := $(SGD_RUNS) $(call grid,sam,$(sort $(RHOS) $(RHO))) \
    $(call grid,$(filter-out sam,$(TABLE_1)) step-size random-mask,$(RHO))

sharpness = dump-grads --checkpoint $(RUNS)/$$run/checkpoint --rho $(RHO) \
    --batches $(SHARPNESS_BATCHES) | grad-info | mlr --csv json-parse -f metadata then flatten | \
    mlr --csv rename -r '^metadata[.](.*loss|weight_norm)$$,\1' \
    then put '$$sharpness = $$perturbed_loss - $$loss' \
    then stats1 -a mean -f sharpness,loss,weight_norm

# Of a run that diverged there are no last weights.

$(call table,sharpness-runs): $(SHARPNESS_RUNS:%=$(RUNS)/%/log.csv)
	$(call each_run,$(SHARPNESS_RUNS),if [ -e $(RUNS)/$$run/diverged ]; then $(accuracy); else \
	    paste -d $(comma) <($(accuracy)) <($(sharpness)); fi)

$(call table,sharpness): $(TABLES)/sharpness-runs.csv
	awk -f pipelines/statistics.awk -f pipelines/compare.awk <(mlr --csv cut -x -f accuracy \
	    then rename sharpness_mean,accuracy $<) | \
	    mlr --csv put 'if ($$update == "sgd") { $$rho = 0 }' \
	    then join -j update,rho -f <(mlr --csv stats1 -a mean \
	        -f last_accuracy,loss_mean,weight_norm_mean -g update,rho $<) then unsparsify

# Of these, the runs that were trained at that radius, and SGD:

$(call table,sharpness-at-radius): $(TABLES)/sharpness.csv
	mlr --csv filter '$$rho == $(RHO) || $$update == "sgd"' $<

# @table sharpness
#   update | update
#   rho | $\rho$ | %g
#   seeds | seeds | %d
#   mean | sharpness | %.3f
#   half | ± | %.3f
#   gain | over SGD's | %.3f
#   gain_low | from | %.3f
#   gain_high | to | %.3f
#   p_holm | p, Holm | %.2g
#   loss_mean_mean | loss | %.3f
#   weight_norm_mean_mean | $\lVert w\rVert$ | %.1f
#   last_accuracy_mean | test accuracy, % | %.2f
# Sharpness at the radius {{controls update=sam rho %g}}, of the last weights of runs with the
# update and the radius of the row: means over seeds and minibatches, and the paired differences
# from SGD with their 95 % intervals. Beside it the loss of the same minibatches, the norm of the
# weights, and the test accuracy, all of the same weights.
#
# Two things besides flatness move this number. The weights in front of a normalisation may be
# scaled without the loss knowing, and the smaller they are, the further the same radius reaches.
# And where training has not ended, the gradient is large, and with it what the loss grows by: to
# call one of two minima the flatter, their losses and norms have to be alike.
#
# Do the flatter runs generalise better? Spearman's coefficient of sharpness and test accuracy, over
# the runs as if they were independent, over the means of the rows above, and within these:

$(call table,sharpness-correlation): $(TABLES)/sharpness-runs.csv
	mlr --csv put '$$group = $$update . " " . $$rho' $< | awk -v x=sharpness_mean -v y=last_accuracy \
	    -v group=group -f pipelines/statistics.awk -f pipelines/correlate.awk

# @table sharpness-correlation
#   over | over
#   n | points | %d
#   coefficient | Spearman's coefficient | %.2f
#   p | $p$ | %.2g
#   smallest_p | smallest possible | %.2g
# The rank correlation of sharpness and test accuracy; $p$ as for [[table correlation]].
