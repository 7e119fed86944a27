# What is left of the claims
# ==========================
#
# The notes' statements, what this copy measured of each, and what it is to be held against: the
# null's share, chance, a control. A share or an overlap that is the null's or chance's says nothing.
# An update that gains no more than its control owes its gain to what both have in common. How
# much a difference means at this scale, the chapters say.
#
# | the notes | here | to be held against |
# |:---------------------------|:------------------------------|:------------------------------|
# | Over 60 % of the parameters are in class 1, and stay so | {{classes-summary class=1 ours_early %.1f}} % early, {{classes-summary class=1 ours_late %.1f}} % late | {{classes-summary class=1 null_early %.1f}} % |
# | Class 2 falls from 40 to 20 % | {{classes-summary class=2 ours_early %.1f}} to {{classes-summary class=2 ours_late %.1f}} % | {{classes-summary class=2 null_early %.1f}} to {{classes-summary class=2 null_late %.1f}} % |
# | Classes 3 and 4 rise from 3 to 10 and 6 %: several minima | {{classes-summary class=3 ours_early %.1f}} to {{classes-summary class=3 ours_late %.1f}} and {{classes-summary class=4 ours_early %.1f}} to {{classes-summary class=4 ours_late %.1f}} % | {{classes-summary class=3 null_early %.1f}} to {{classes-summary class=3 null_late %.1f}} and {{classes-summary class=4 null_early %.1f}} to {{classes-summary class=4 null_late %.1f}} % |
# | Class 1 makes SAM work | `checkpoint1` gains {{controls update=checkpoint1 over_sgd}} points over SGD, {{controls update=checkpoint1 over_sam}} over SAM | `random-mask`: {{controls update=random-mask over_sgd}} over SGD |
# | ... as a learning rate, not by direction | SAM gains {{controls update=sam over_sgd}} over SGD | `step-size`: {{controls update=step-size over_sgd}} |
# | Class 1 keeps SAM's flat minima, the others' are sharper | `checkpoint1` {{sharpness-at-radius update=checkpoint1 mean %.3f}}; `checkpoint2`, `3`, `4` {{sharpness-at-radius update=checkpoint2 mean %.3f}}, {{sharpness-at-radius update=checkpoint3 mean %.3f}}, {{sharpness-at-radius update=checkpoint4 mean %.3f}} | SAM {{sharpness-at-radius update=sam mean %.3f}}, SGD {{sharpness-at-radius update=sgd mean %.3f}} |
# | Class 1 is the same parameters for long: 4 of 6 million at the last step | {{overlap last overlap_percent %.1f}} % of the reference | {{overlap last chance_percent %.1f}} % |
# | ... though not step by step: few after 5 steps | {{running steps_after=5 surviving_percent %.2f}} % | {{running steps_after=5 chance_percent %.2f}} %, tensor by tensor {{running steps_after=5 tensor_chance_percent %.2f}} % |
# | A larger batch learns more slowly: its gradient is smaller | $\lVert g\rVert$ {{large-batches first norm_small %.2f}} and {{large-batches first norm_large %.2f}} at the same weights | of noise alone, half the norm |
# | 60 % of the parameters do not converge | the mean gradient of {{convergence first significant_percent %.1f}} % differs from zero at the 5 % level | 5 % by chance |
# | Most of class 1 is flat, or sharp: over 60 % above the threshold | {{flat-threshold last percent %.1f}} % | {{flat-threshold last chance_percent %.1f}} %, permuted {{flat-threshold last permuted_percent %.1f}} % |
# | Ratios below 1.2 soon fall, greater ones gain | {{buckets-summary bucket=1-1.2 ours_early %.1f}} to {{buckets-summary bucket=1-1.2 ours_late %.1f}} % | {{buckets-summary bucket=1-1.2 null_early %.1f}} to {{buckets-summary bucket=1-1.2 null_late %.1f}} % |
# | The size of class 1 goes with generalisation, or does not | within radii {{correlation over=within~groups coefficient %.2f}}, $p$ = {{correlation over=within~groups p %.2g}} | 0 |
