# mcnemar - of the test images that only one of two networks gets right, how many does which?
#
#     awk -f statistics.awk -f mcnemar.awk UPDATE_RHO_SEED/predictions.csv ...
#
# In: for each run, known by the name of its folder, whether its best weights are right on each test
# image (the column `best`). SGD's runs come first; every other run is paired with that of its seed,
# if there is one.
# Out: a row a run: `won`, images that only the update gets right, `lost`, those that only SGD does,
# the exact two-sided probability that the difference is chance, and the same after Holm's
# adjustment for all rows. (Over the seeds there is no sum: an image that is counted once a seed is
# not so many independent ones.)

BEGIN { FS = OFS = ","; CONVFMT = OFMT = "%.12g" }

FNR == 1 {
    depth = split(FILENAME, folder, "/")
    split(folder[depth - 1], name, "_")
    if (name[1] == "sgd") seeds[name[3]] = 1
    else if (name[3] in seeds) text[++runs] = name[2] OFS name[1] OFS name[3]
    for (i = 1; i <= NF; i++) if ($i == "best") best = i
    next
}
name[1] == "sgd" { reference[name[3], $1] = $best; next }
(name[3], $1) in reference {
    if ($best > reference[name[3], $1]) won[runs]++
    if ($best < reference[name[3], $1]) lost[runs]++
}

END {
    for (k = 1; k <= runs; k++) p[k] = coin_two_sided(won[k] + 0, lost[k] + 0)
    holm(p, runs + 0, adjusted)
    print "rho,update,seed,won,lost,mcnemar_p,mcnemar_p_holm"
    for (k = 1; k <= runs; k++) print text[k], won[k] + 0, lost[k] + 0, p[k], adjusted[k]
}
