# Experiments 2 and 3: are they the same parameters?
# ==================================================
#
# If class 1 is a property of a parameter -- its place on a ridge, its need of a higher learning
# rate -- then what is in class 1 now should be there again later. The notes keep the class-1 set
# of one step, at the end of the first epoch, and ask how much of it is in class 1 at a later step
# (Experiment 2), and how much has been in class 1 at every step since (Experiment 3).
#
# Two sets $A$ and $B$ drawn from $n$ parameters without regard to each other have about $\lvert
# A\rvert\,\lvert B\rvert/n$ in common. The notes' set of {{notes-overlap quantity=class1_size
# value %.0e}} parameters would share {{overlap-notes first chance %.1e}} with any later class 1
# of {{notes-overlap quantity=class1_share value}} %; they found "about" {{notes-overlap
# quantity=overlap value %.0e}}. (That is {{overlap-notes first overlap_of_reference %.1f}} % of
# the set and {{overlap-notes first overlap_of_parameters %.1f}} % of all parameters; the
# {{notes-overlap quantity=overlap_percent_stated value}} % of their text is neither.) And after
# five steps of independent draws {{overlap-notes first running_chance %.1e}} would have been in
# class 1 each time, where they found {{notes-overlap quantity=running_after_5_steps value %.0e}}:
# *fewer*. These numbers do not show a set that stays.

$(call table,overlap-notes): data/notes-overlap.csv
	mlr --icsv --ocsv put -q -f pipelines/overlap-notes.mlr $<

# Experiment 2
# ------------
#
# The reference is the last step of the first epoch. Chance is counted over all parameters, and
# also tensor by tensor, $\sum_l \lvert A_l\rvert\,\lvert B_l\rvert/n_l$, which grants that some
# layers have more of class 1 than others; Cohen's $\kappa$ is 0 for independent and 1 for equal
# sets.

in_notes = $$(mlr --icsv --onidx cut -f $(1) $(TABLES)/overlap-notes.csv)

$(call table,overlap): $(RUNS)/observed/gradients $(TABLES)/overlap-notes.csv
	overlap --null --reference $(LONG_STEPS) $< | $(at_epoch_ends) \
	    then put '$$chance_percent = 100 * $$chance / $$reference_size' \
	    then put '$$tensor_chance_percent = 100 * $$tensor_chance / $$reference_size' \
	    then put -s notes=$(call in_notes,overlap_of_reference) \
	        '$$notes_percent = $$epoch == $(LONG_EPOCHS) ? @notes : ""'

# Experiment 3
# ------------
#
# The consecutive steps from the reference on, and their running intersection:

$(call table,running): $(RUNS)/observed/gradients $(TABLES)/overlap-notes.csv
	grad-cat --steps $(FOLLOWED) $< | overlap --null --running | mlr --csv \
	    put '$$steps_after = $$step - $(LONG_STEPS)' \
	    then put '$$chance_percent = 100 * $$chance / $$reference_size' \
	    then put '$$tensor_chance_percent = 100 * $$tensor_chance / $$reference_size' \
	    then put -s notes=$(call in_notes,running_of_reference) \
	        '$$notes_percent = $$steps_after == 5 ? @notes : ""'

$(call figure,overlap): $(TABLES)/overlap.csv $(TABLES)/running.csv

# @figure overlap
# Experiments 2 and 3 and what independent sets give; the notes' numbers as diamonds. The first
# point at the left is the reference itself.
#
# The same in numbers, at some of the epochs:

SHOWN_OVERLAPS := $(shell echo $$((($(LONG_EPOCHS) + 9) / 10)))
$(call table,overlap-shown): $(TABLES)/overlap.csv
	mlr --csv filter '$$epoch % $(SHOWN_OVERLAPS) == 0' $<

# @table overlap-shown
#   epoch | epoch | %d
#   step | step | %d
#   reference_size | reference | %d
#   class_size | class 1 | %d
#   overlap | overlap | %d
#   overlap_percent | % of the reference | %.1f
#   chance_percent | chance, % | %.1f
#   tensor_chance_percent | by tensor, % | %.1f
#   lift | lift | %.3f
#   kappa | $\kappa$ | %.3f
# How much of class 1 at the reference step is in class 1 later; what chance gives, over all
# parameters and tensor by tensor; the lift, which is the overlap over the first of these.
#
# At the last step {{overlap last overlap_percent %.1f}} % of the reference set is in class 1
# again, where chance gives {{overlap last chance_percent %.1f}} %, and $\kappa$ is {{overlap last
# kappa %.3f}}. How near these two numbers are is the answer to Experiment 2, because each step
# takes another minibatch: [[table floor]] tells that apart from the movement of the weights.
#
# Five steps after the reference {{running steps_after=5 surviving_percent %.2f}} % have been in
# class 1 each time, where independent draws leave {{running steps_after=5 chance_percent %.2f}} %,
# or {{running steps_after=5 tensor_chance_percent %.2f}} % tensor by tensor. After the last step
# followed it is {{running last surviving}} parameters, where {{running last chance %.2g}} or
# {{running last tensor_chance %.2g}} are expected. Where the excess of each step is the same way
# round it multiplies: the factor over the chance tensor by tensor is {{running steps_after=5
# tensor_lift %.2f}} after five steps and {{running last tensor_lift %.2f}} after the last. A factor
# that grows from step to step is a core that stays in class 1, over neighbouring steps at least;
# its size is that of the survivors, and not of the set that the notes speak of.
