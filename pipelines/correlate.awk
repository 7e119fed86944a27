# correlate - whether two columns rise together, by ranks.
#
#     awk -v x=COLUMN -v y=COLUMN -v group=COLUMN -f statistics.awk -f correlate.awk < TABLE
#
# In: a CSV, one row a run. Out: three rows, of column `over`:
#   runs           Spearman's coefficient over all runs, as if they were independent
#   group means    ... over the means of the groups: what varying the group does to both
#   within groups  the mean over groups of Spearman's coefficient within a group: what is left
#                  where the group is held fixed
# with n (runs, groups, runs), coefficient, and p: two-sided, the share of the permutations of y (of
# y within groups, for the last) with a coefficient at least as far from 0 - all of them where there
# are at most 5,040, else 20,000 drawn by a fixed generator (Park and Miller's), so that the number
# repeats. smallest_p is what p could be at the least. Where a coefficient is undefined the cells
# are empty.

BEGIN { FS = OFS = ","; CONVFMT = OFMT = "%.12g"; state = 20240501 }

NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
$at[x] == "" || $at[y] == "" { next }
{
    n++
    xs[n] = $at[x] + 0
    ys[n] = $at[y] + 0
    name = $at[group]
    if (!(name in number)) number[name] = ++groups
    member[n] = number[name]
    size[member[n]]++
    sum_x[member[n]] += xs[n]
    sum_y[member[n]] += ys[n]
}

function random(below) {
    state = (state * 16807) % 2147483647
    return int(state / 2147483647 * below) + 1
}

# Pearson's coefficient of a[1..n] and b[1..n]; of ranks it is Spearman's. 2 where undefined.
function correlation(a, b, n,   i, ma, mb, ab, aa, bb) {
    for (i = 1; i <= n; i++) { ma += a[i] / n; mb += b[i] / n }
    for (i = 1; i <= n; i++) {
        ab += (a[i] - ma) * (b[i] - mb)
        aa += (a[i] - ma) ^ 2
        bb += (b[i] - mb) ^ 2
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 2
}

# The mean over the strata (of[i] = 1 .. strata) of Spearman's coefficients of ranks a and b.
function stratified(a, b, n, of, strata,   s, i, k, u, v, c, sum, used) {
    for (s = 1; s <= strata; s++) {
        k = 0
        for (i = 1; i <= n; i++) if (of[i] == s) { u[++k] = a[i]; v[k] = b[i] }
        c = correlation(u, v, k)
        if (c != 2) { sum += c; used++ }
    }
    return used ? sum / used : 2
}

# Ranks within the strata.
function stratified_ranks(a, n, of, strata, rank,   s, i, k, u, r, where) {
    for (s = 1; s <= strata; s++) {
        k = 0
        for (i = 1; i <= n; i++) if (of[i] == s) { u[++k] = a[i]; where[k] = i }
        ranks_of(u, k, r)
        for (i = 1; i <= k; i++) rank[where[i]] = r[i]
    }
}

# Exchanges b[i] with a random one before it in the same stratum, from the end: a fair shuffle.
function shuffle(b, n, of,   i, j, k, before, t) {
    for (i = n; i > 1; i--) {
        k = 0
        for (j = 1; j <= i; j++) if (of[j] == of[i]) before[++k] = j
        j = before[random(k)]
        t = b[i]; b[i] = b[j]; b[j] = t
    }
}

# Counts, over all orders of b[1..k] before the rest, those as extreme as `seen` (Heap's method).
function all_orders(k, a, b, n, of, strata, seen,   i, t) {
    if (k <= 1) {
        orders++
        t = stratified(a, b, n, of, strata)
        if ((t < 0 ? -t : t) >= seen - 1e-12) extreme++
        return
    }
    for (i = 1; i <= k; i++) {
        all_orders(k - 1, a, b, n, of, strata, seen)
        t = k % 2 ? 1 : i
        if (i < k) { swap = b[t]; b[t] = b[k]; b[k] = swap }
    }
}

function report(over, a, b, n, of, strata,
        ra, rb, seen, i, ways, s, j, count, least) {
    stratified_ranks(a, n, of, strata, ra)
    stratified_ranks(b, n, of, strata, rb)
    seen = n > 1 ? stratified(ra, rb, n, of, strata) : 2
    if (seen == 2) { print over, n, "", "", ""; return }
    ways = 1
    for (s = 1; s <= strata; s++) {
        count = 0
        for (i = 1; i <= n; i++) if (of[i] == s) ways *= ++count
    }
    orders = extreme = 0
    if (strata == 1 && ways <= 5040) all_orders(n, ra, rb, n, of, strata, seen < 0 ? -seen : seen)
    else for (j = 0; j < 20000; j++) {
        if (j) shuffle(rb, n, of)
        orders++
        i = stratified(ra, rb, n, of, strata)
        if ((i < 0 ? -i : i) >= (seen < 0 ? -seen : seen) - 1e-12) extreme++
    }
    least = 2 / ways > 1 / orders ? 2 / ways : 1 / orders
    print over, n, seen, extreme / orders, least < 1 ? least : 1
}

END {
    print "over,n,coefficient,p,smallest_p"
    for (i = 1; i <= n; i++) one[i] = 1
    report("runs", xs, ys, n, one, 1)
    for (i = 1; i <= groups; i++) { mean_x[i] = sum_x[i] / size[i]; mean_y[i] = sum_y[i] / size[i] }
    report("group means", mean_x, mean_y, groups, one, 1)
    report("within groups", xs, ys, n, member, groups)
}
