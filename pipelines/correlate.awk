# correlate - whether two columns rise together, by ranks.
#
#     awk -v x=COLUMN -v y=COLUMN -v group=COLUMN -f statistics.awk -f correlate.awk < TABLE
#
# In: a CSV, one row a run, with a column `seed`. Out: three rows, of column `over`:
#   runs           Spearman's coefficient over all runs, as if they were independent
#   group means    ... over the means of the groups: what varying the group does to both
#   within groups  the mean over groups of Spearman's coefficient within a group: what is left
#                  where the group is held fixed
# with n (runs, groups, runs), coefficient, and p: two-sided, the share of the orders of y with a
# coefficient at least as far from 0. What may be reordered is what chance would have put anyhow:
# runs, means, or, within groups, the seeds, in all groups alike, for runs of one seed began alike
# in all of them, and what is good or bad luck in one may be in the others. All orders are taken
# where there are at most 5,040, else 20,000 drawn by a fixed generator (Park and Miller's), so that
# the number repeats. smallest_p is what p could be at the least with these ranks. Where a
# coefficient is undefined the cells are empty.

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
    if (!($at["seed"] in seed_number)) seed_number[$at["seed"]] = ++seeds
    seed[n] = seed_number[$at["seed"]]
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

# Where unit[i] is the unit of run i in stratum of[i]: place[stratum, unit] is i.
function find_places(n, of, unit,   i) {
    split("", place)
    for (i = 1; i <= n; i++) place[of[i], unit[i]] = i
}

# The mean over the strata (of[i] = 1 .. strata) of Spearman's coefficients of the ranks a and of
# the ranks b that the units order[unit] have in the same stratum. A run without partner is left
# out.
function stratified(a, b, n, of, unit, strata,   s, i, k, u, v, c, sum, used, partner) {
    for (s = 1; s <= strata; s++) {
        k = 0
        for (i = 1; i <= n; i++) {
            partner = of[i] SUBSEP order[unit[i]]
            if (of[i] == s && partner in place) { u[++k] = a[i]; v[k] = b[place[partner]] }
        }
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

# Exchanges order[i] with a random one before it, from the end: a fair shuffle.
function shuffle(units,   i, j, t) {
    for (i = units; i > 1; i--) {
        j = random(i)
        t = order[i]; order[i] = order[j]; order[j] = t
    }
}

# Counts the order, if it is as extreme as `seen`, and if it is as extreme as any yet.
function look(a, b, n, of, unit, strata, seen,   t) {
    orders++
    t = stratified(a, b, n, of, unit, strata)
    if (t == 2) return
    t = t < 0 ? -t : t
    if (t >= seen - 1e-12) extreme++
    if (t > most + 1e-12) { most = t; reached = 0 }
    if (t >= most - 1e-12) reached++
}

# Looks at all orders of the first k units before the rest (Heap's method).
function all_orders(k, a, b, n, of, unit, strata, seen,   i, t, swap) {
    if (k <= 1) { look(a, b, n, of, unit, strata, seen); return }
    for (i = 1; i <= k; i++) {
        all_orders(k - 1, a, b, n, of, unit, strata, seen)
        t = k % 2 ? 1 : i
        if (i < k) { swap = order[t]; order[t] = order[k]; order[k] = swap }
    }
}

function report(over, a, b, n, of, unit, strata, units,   ra, rb, seen, i, ways, j) {
    stratified_ranks(a, n, of, strata, ra)
    stratified_ranks(b, n, of, strata, rb)
    find_places(n, of, unit)
    ways = 1
    for (i = 1; i <= units; i++) { order[i] = i; ways *= i }
    seen = n > 1 ? stratified(ra, rb, n, of, unit, strata) : 2
    if (seen == 2) { print over, n, "", "", ""; return }
    orders = extreme = most = reached = 0
    if (ways <= 5040) all_orders(units, ra, rb, n, of, unit, strata, seen < 0 ? -seen : seen)
    else for (j = 0; j < 20000; j++) {
        if (j) shuffle(units)
        look(ra, rb, n, of, unit, strata, seen < 0 ? -seen : seen)
    }
    print over, n, seen, extreme / orders, ways <= 5040 ? reached / orders : 1 / orders
}

END {
    print "over,n,coefficient,p,smallest_p"
    for (i = 1; i <= n; i++) { one[i] = 1; itself[i] = i }
    report("runs", xs, ys, n, one, itself, 1, n)
    for (i = 1; i <= groups; i++) { mean_x[i] = sum_x[i] / size[i]; mean_y[i] = sum_y[i] / size[i] }
    report("group means", mean_x, mean_y, groups, one, itself, 1, groups)
    report("within groups", xs, ys, n, member, seed, groups, seeds)
}
