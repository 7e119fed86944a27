# Project 1: how much of class 1 is flat?
# =======================================
#
# Of two parameters in class 1, one may lie on a steep wall and one near the floor of a flat
# valley.

$(call figure,checkpoint11): figures/illustration.gp figures/valley.gp

# @figure checkpoint11
# Two weights of class 1, in what the notes call "the sharper region" and "the flatter region".
# After their `checkpoint11.png`.
#
# To tell them apart the notes first thought of the diagonal of the Hessian and then took the
# magnitude of the gradient. With $k$ the size of class 1, the *threshold* is element $k$, counted
# from 0, of the magnitudes of all $n$ parameters in decreasing order, and the result is the share
# of class 1 above it. (In one place the notes call what is above the threshold flat, in another
# sharp. A greater gradient is a steeper slope; here "above" is the sharper side.)
#
# The threshold lets $k$ of the $n$ parameters pass. If class and magnitude had nothing to do with
# each other, $100\,k/n$ percent of class 1 would be among them: with 60 % of the parameters in
# class 1, 60 %. A second baseline keeps the threshold and the magnitudes of $g$ and of $g' - g$,
# and deals anew, within each tensor, which differences have the sign of their $g$: it is these that
# make class 1. And it matters whether the magnitude is that of $g$ or of $g'$, which the notes do
# not say: class 1 is where $\lvert g'\rvert$ is large for its $\lvert g\rvert$, so with $\lvert
# g'\rvert$ the percentage is high by construction.

$(call table,flat-threshold-current): $(RUNS)/observed/gradients
	flat-threshold --null --magnitude current $< | $(at_epoch_ends)

$(call table,flat-threshold-perturbed): $(RUNS)/observed/gradients
	flat-threshold --null --magnitude perturbed $< | $(at_epoch_ends)

# Each record beside the notes' row at the same share of the training. As many rows as the notes
# have are shown below, at most.

SHOWN_EVERY := $(shell echo $$((($(LONG_EPOCHS) + 39) / 40)))

$(call table,flat-threshold): $(TABLES)/flat-threshold-current.csv \
    $(TABLES)/flat-threshold-perturbed.csv data/notes-flat-threshold.csv
	mlr --icsv --ocsv join -j epoch -f <(mlr --icsv --ocsv cut -f epoch,percent,permuted_percent \
	        then rename -r '(.*percent),\1_perturbed' $(word 2,$^)) \
	    then put '$$notes_epoch = max(5, roundm(200 * $$progress, 5))' \
	    then join -j notes_epoch -f <(mlr --csv rename -r '(.*),notes_\1' $(word 3,$^)) \
	    then put '$$shown = $$epoch % $(SHOWN_EVERY) == 0 ? "yes" : "no"' $<

$(call figure,flat-threshold): $(TABLES)/flat-threshold.csv

# @figure flat-threshold
# Left: the share of class 1 above the threshold, by $\lvert g\rvert$ and by $\lvert g'\rvert$.
# Right: the threshold of $\lvert g\rvert$. The notes' forty rows are placed by their share of 200
# epochs.
#
# @table flat-threshold where shown=yes
#   epoch | epoch | %d
#   threshold | threshold of $\lvert g\rvert$ | %.6f
#   relative_threshold | / RMS | %.2f
#   percent | above, % | %.1f
#   chance_percent | chance | %.1f
#   permuted_percent | permuted | %.1f
#   lift | lift | %.2f
#   percent_perturbed | by $\lvert g'\rvert$, % | %.1f
#   permuted_percent_perturbed | permuted | %.1f
#   notes_epoch | notes: epoch | %d
#   notes_threshold | threshold | %.6f
#   notes_percent | above, % | %.0f
# The threshold, also in units of the root mean square of $g$; the share of class 1 above it; what
# chance and a permutation of the signs give; the lift, which is the share over chance; the same
# for $\lvert g'\rvert$; and the notes' row at the same share of the training.
#
# A percentage above 60 is therefore no sign of sharpness by itself: the notes' "over 60 %" is
# what chance gives a class 1 of 60 %. What counts is the lift. At the end of the training it is
# {{flat-threshold last lift %.2f}} here, {{flat-threshold last percent %.1f}} % against
# {{flat-threshold last chance_percent %.1f}} % by chance and {{flat-threshold last
# permuted_percent %.1f}} % with permuted signs. The notes' percentages have no size of class 1
# beside them, so that their lift is not known; and the threshold by itself follows the gradient's
# norm, so that only its ratio to the root mean square can be compared.
