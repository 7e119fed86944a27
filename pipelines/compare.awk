# compare - what each update gains over a reference, over paired seeds.
#
#     awk [-v reference=UPDATE] -f statistics.awk -f compare.awk < RUNS
#
# In: a CSV with the columns rho, update, seed, accuracy, one row a run. A run is paired with that
# of the reference of its seed, which began from the same weights and saw the same images in the
# same order: by default of the update "sgd", whose runs serve all radii, else of the same radius.
# Out: a row a radius and update:
#   seeds                       number of pairs, N
#   mean, half                  of the accuracy: its mean, half its 95 % interval t(N - 1) sd/sqrt N
#   gain, gain_low, gain_high   over the reference: the mean of the paired differences, its interval
#   p, p_holm                   two-sided paired t-test that there is no gain; the same after Holm's
#                               adjustment for all rows of the table
# Where N is 1 there is no interval and no test: the cells are empty, and where it is 0 all are. So
# are they where all N are equal but for rounding, as accuracies of so many images may be: two that
# happen to agree do not say that there is no spread. A run without an accuracy (it diverged) drops
# its pair.

BEGIN { FS = OFS = ","; CONVFMT = OFMT = "%.12g"; if (reference == "") reference = "sgd" }

NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
{
    radius = $at["update"] == "sgd" ? "" : $at["rho"]
    key = radius OFS $at["update"]
    if (!(key in count)) {
        keys[++groups] = key
        count[key] = 0
        partner[key] = reference == "sgd" ? "" : radius
    }
    if ($at["accuracy"] == "") next
    value[key, ++count[key]] = $at["accuracy"]
    seed[key, count[key]] = $at["seed"]
    if ($at["update"] == reference) base[radius, $at["seed"]] = $at["accuracy"]
}

# Whether n values have a spread, one beyond rounding.
function spread(sd, n) { return n > 1 && sd > 1e-9 }

# Half the 95 % interval of a mean of n values, or nothing.
function half_interval(sd, n) {
    return spread(sd, n) ? t_critical(0.05, n - 1) * sd / sqrt(n) : ""
}

function test(mean, sd, n) {
    return spread(sd, n) ? t_two_sided(mean * sqrt(n) / sd, n - 1) : ""
}

END {
    for (k = 1; k <= groups; k++) {
        key = keys[k]
        pairs = 0
        for (i = 1; i <= count[key]; i++) {
            one[i] = value[key, i]
            other = partner[key] SUBSEP seed[key, i]
            if (other in base) gains[++pairs] = one[i] - base[other]
        }
        if (!count[key]) { text[k] = key ",0,,,,,,"; continue }
        moments_of(one, count[key], all)
        if (pairs) moments_of(gains, pairs, gain)
        half = half_interval(gain["sd"], pairs)
        text[k] = key OFS pairs OFS all["mean"] OFS half_interval(all["sd"], count[key])
        if (!pairs || key ~ "," reference "$") { text[k] = text[k] ",,,,"; continue }
        text[k] = text[k] OFS gain["mean"] OFS (half == "" ? "" : gain["mean"] - half) OFS \
            (half == "" ? "" : gain["mean"] + half)
        chance = test(gain["mean"], gain["sd"], pairs)
        text[k] = text[k] OFS chance
        if (chance != "") { p[++tests] = chance; test_of[k] = tests }
    }
    holm(p, tests + 0, adjusted)
    print "rho,update,seeds,mean,half,gain,gain_low,gain_high,p,p_holm"
    for (k = 1; k <= groups; k++) print text[k] OFS (k in test_of ? adjusted[test_of[k]] : "")
}
