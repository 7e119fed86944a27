# detectable - the smallest gain that a paired t-test can show, after Holm's adjustment.
#
#     awk -v tests=COUNT -v sd=SD -v seeds="N N ..." -f statistics.awk -f detectable.awk
#
# SD is the standard deviation of one run; that of a difference of two is sqrt 2 times it. Out: a
# row for each number of seeds: critical, the |t| that the best of so many tests must exceed at 5 %,
# and gain, the mean difference that is so much.

BEGIN {
    OFS = ","; OFMT = CONVFMT = "%.6g"
    print "seeds,critical,gain"
    for (i = 1; i <= split(seeds, n, " "); i++) {
        critical = t_critical(0.05 / tests, n[i] - 1)
        print n[i], critical, critical * sd * sqrt(2 / n[i])
    }
}
