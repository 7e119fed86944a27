# mcnemar - of the test images that only one of two networks gets right, how many does which?
#
#     awk -f statistics.awk -f mcnemar.awk UPDATE_RHO_SEED/predictions.csv ...
#
# In: for each run, known by the name of its folder, whether its best weights are right on each test
# image (the column `best`). SGD's runs come first; every other run is paired with that of its seed.
# Out: a row a radius and update, summed over the seeds: `won`, images that only the update gets
# right, `lost`, those that only SGD does, and the exact two-sided probability that the difference
# is chance.

BEGIN { FS = OFS = ","; CONVFMT = OFMT = "%.12g"; print "rho,update,won,lost,mcnemar_p" }

FNR == 1 {
    depth = split(FILENAME, folder, "/")
    split(folder[depth - 1], name, "_")
    key = name[2] OFS name[1]
    seed = name[3]
    for (i = 1; i <= NF; i++) if ($i == "best") best = i
    if (name[1] != "sgd" && !(key in won)) { keys[++groups] = key; won[key] = lost[key] = 0 }
    next
}
name[1] == "sgd" { reference[seed, $1] = $best; next }
(seed, $1) in reference {
    if ($best > reference[seed, $1]) won[key]++
    if ($best < reference[seed, $1]) lost[key]++
}

END {
    for (k = 1; k <= groups; k++)
        print keys[k], won[keys[k]], lost[keys[k]], coin_two_sided(won[keys[k]], lost[keys[k]])
}
