# The four classes during training
# ================================
#
# In one dimension the classes have a picture. SAM's perturbation goes uphill; on a convex slope
# it finds the slope steeper (class 1), on a slope that levels off less steep (class 2).

$(call figure,checkpoint): figures/illustration.gp figures/valley.gp

# @figure checkpoint
# Classes 1 and 2. The filled points are current weights, the open ones their perturbed partners;
# the ratios are those of the function drawn. After the notes' `checkpoint.png`.
#
# The sign changes only if the perturbation carries the weight across a top, to a steeper descent
# (class 3) or a gentler one (class 4).

$(call figure,checkpoint2): figures/illustration.gp

# @figure checkpoint2
# Classes 3 and 4. After the notes' `checkpoint2.png`.
#
# A network is not one-dimensional: whether $g'_i$ exceeds $g_i$ is decided by $(Hg)_i$, a sum
# over all parameters, of which the curvature along $w_i$ is one term. A pictured valley is
# therefore only one of the ways in which a parameter comes to class 1.
#
# The shares
# ----------
#
# The notes say that over {{notes-shares class=1,stage=early percent}} % of the parameters are in
# class 1 and stay there, that class 2 falls from {{notes-shares class=2,stage=early percent}} %
# to {{notes-shares class=2,stage=late percent}} %, and that classes 3 and 4 rise from about
# {{notes-shares class=3,stage=early percent}} % to {{notes-shares class=3,stage=late percent}} %
# and {{notes-shares class=4,stage=late percent}} %. These are readings, and do not add up to 100.
# The run to compare with is trained by SAM at the radius of their figures. It records both
# gradients at the last step of each epoch, and at some consecutive steps after the first for
# [[figure overlap]].

FOLLOWED := $(LONG_STEPS)-$(shell echo $$(($(LONG_STEPS) + $(FOLLOWED_STEPS))))
run.observed := $(LONG) $(STEP) --optimizer sam --rho $(RHO) --seed 1 \
    --dump-epochs all --dump-steps $(FOLLOWED)
LAST_STEP := $(shell echo $$(($(LONG_STEPS) * $(LONG_EPOCHS))))

# The classes of the records at the ends of epochs, with the null fitted to each:

at_epoch_ends = mlr --csv filter '$$step % $(LONG_STEPS) == 0' \
    then put '$$progress = $$epoch / $(LONG_EPOCHS)'

$(call table,classes): $(RUNS)/observed/gradients
	classify-ratio --percent --null $< | $(at_epoch_ends)

$(call figure,classes): $(TABLES)/classes.csv data/notes-shares.csv

# @figure classes
# The shares of the four classes at the end of each epoch. The diamonds are the numbers of the
# notes' text, which gives no curve for these.
#
# The same by the early and the late stage, for which we take the first and the last quarter of the
# epochs: the means of the columns whose names match, then a row a class or interval.

stage_means = put -f pipelines/stages.mlr then filter 'is_present($$stage)' \
    then stats1 -a mean -g stage --fr
as_rows = reshape -r '_mean$$' -o key,percent then put -f pipelines/summary-keys.mlr \
    then cut -f name,what,percent then reshape -s what,percent

$(call table,classes-summary): $(TABLES)/classes.csv data/notes-shares.csv
	mlr --icsv --ocsv $(stage_means) '^(null_)?class[1-4]$$' then $(as_rows) \
	    then put '$$class = sub($$name, "class", "")' then join -j class -f <(mlr --icsv --ocsv \
	        put '$$stage = "notes_" . $$stage' then cut -f class,stage,percent \
	        then reshape -s stage,percent $(word 2,$^)) $<

$(call table,classes-scale): $(TABLES)/classes.csv
	mlr --csv $(stage_means) '^null_scale$$' $<

# @table classes-summary
#   class | class | %d
#   notes_early | early: notes | %.0f
#   ours_early | ours | %.1f
#   null_early | null | %.1f
#   notes_late | late: notes | %.0f
#   ours_late | ours | %.1f
#   null_late | null | %.1f
# The classes early and late in the training, in percent of all parameters. The fitted scale $s$
# is {{classes-scale stage=early null_scale_mean %.2f}} early and {{classes-scale stage=late
# null_scale_mean %.2f}} late.
#
# To be read with the null beside it: a growing $s$, that is, a perturbation that grows relative
# to the gradient, by itself makes class 2 shrink and classes 3 and 4 grow, and leaves class 1 at
# one half. No minimum needs to be left and no ridge climbed for that. What asks for an
# explanation is how far class 1 lies from one half: {{classes-summary class=1 ours_early %.1f}}
# % early and {{classes-summary class=1 ours_late %.1f}} % late here, over 60 % in the notes. Above
# one half $(Hg)_i$ and $g_i$ agree in sign more often than not, which is to be expected wherever
# $g^\top H g > 0$, that is, where the loss curves upward along its own gradient; below, they
# disagree.
#
# The null's other shares make one half together, ours what class 1 leaves. So what the null says
# of them beside class 1 is how that is divided:

$(call table,classes-outside): $(TABLES)/classes-summary.csv
	mlr --icsv --ocsv filter '$$class != 1' \
	    then fraction -p -f ours_early,null_early,ours_late,null_late $<

# @table classes-outside
#   class | class | %d
#   ours_early_percent | early: ours | %.1f
#   null_early_percent | null | %.1f
#   ours_late_percent | late: ours | %.1f
#   null_late_percent | null | %.1f
# The classes 2, 3 and 4 in percent of the parameters outside class 1. Two such shares are free,
# and the null has one number for them.
#
# Where in the network
# --------------------
#
# The shares of the whole are those of its largest tensors. By kind of parameter, at the last
# step:

$(call table,classes-by-kind): $(RUNS)/observed/gradients
	classify-ratio --percent --null --by kind $< | mlr --csv filter '$$step == $(LAST_STEP)'

# @table classes-by-kind
#   kind | kind of parameter
#   parameters | parameters | %d
#   class1 | class 1 | %.1f
#   class2 | class 2 | %.1f
#   class3 | class 3 | %.1f
#   class4 | class 4 | %.1f
#   null_scale | $s$ | %.2f
# The classes by kind of parameter at the last step, in percent of the kind. A convolution that
# batch normalisation follows does not change the loss when its weights are scaled, so its
# gradient is inversely proportional to their norm: a perturbation that lengthens them by itself
# shrinks $g'$. But that gradient is also orthogonal to the weights, so that the factor is at
# least $(1 + \rho^2/\lVert w\rVert^2)^{-1/2}$, with the norm of the tensor alone: an effect of
# second order. A dash is an $s$ that no count of the classes 2, 3 and 4 determines.
#
# And along the depth of the network:

$(call table,classes-by-depth): $(RUNS)/observed/gradients
	classify-ratio --percent --null --by tensor --tensors '*conv*.weight' \
	    --tensors '*shortcut.0.weight' --tensors linear.weight $< | mlr --csv \
	    filter '$$step == $(LAST_STEP)' then cat -n -N depth then put \
	    '$$label = gsub(gsub($$tensor, "^layer|\.weight$$", ""), "shortcut\.0", "shortcut")'

$(call figure,classes-by-depth): $(TABLES)/classes-by-depth.csv

# @figure classes-by-depth
# The classes of each convolution and of the linear layer at the last step, in the order of the
# forward pass. A name such as 2.0.conv1 is stage, block and layer.
