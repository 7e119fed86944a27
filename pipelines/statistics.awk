# statistics - functions for the programs beside this file: awk -f statistics.awk -f PROGRAM.awk
#
# Student's t through the incomplete beta function, by its continued fraction (M. Abramowitz and
# I. Stegun, "Handbook of mathematical functions", 26.5.8 and 26.7.1), evaluated by Lentz's method;
# the logarithm of the gamma function by Stirling's series (6.1.41), from 20 upwards.

function log_gamma(x,   shift) {
    for (shift = 0; x < 20; x++) shift += log(x)
    return (x - 0.5) * log(x) - x + 0.918938533204672742 + 1 / (12 * x) - 1 / (360 * x ^ 3) + \
        1 / (1260 * x ^ 5) - 1 / (1680 * x ^ 7) - shift
}

# I_x(a, b), the regularised incomplete beta function.
function incomplete_beta(x, a, b,   front, m, c, d, h, term, i) {
    if (x <= 0) return 0
    if (x >= 1) return 1
    if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(1 - x, b, a)
    front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(1 - x)) / a
    c = 1
    d = h = 1 / (1 - (a + b) * x / (a + 1))
    for (m = 1; m <= 500; m++) {
        for (i = 0; i < 2; i++) {
            if (i == 0) term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            else term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / (1 + term * d)
            c = 1 + term / c
            h *= c * d
        }
        if (c * d - 1 < 1e-15 && 1 - c * d < 1e-15) break
    }
    return front * h
}

# P(|T| > |t|) with `df` degrees of freedom.
function t_two_sided(t, df) { return incomplete_beta(df / (df + t * t), df / 2, 0.5) }

# The t that |T| exceeds with probability `p`, by bisection.
function t_critical(p, df,   low, high, middle, i) {
    for (high = 1; t_two_sided(high, df) > p; high *= 2) low = high
    for (i = 0; i < 100; i++) {
        middle = (low + high) / 2
        if (t_two_sided(middle, df) > p) low = middle
        else high = middle
    }
    return high
}

# Two-sided exact test that b of b + c were tossed with a fair coin (McNemar's test, exact form).
function coin_two_sided(b, c,   n, k, least, term, sum) {
    n = b + c
    least = b < c ? b : c
    if (b == c) return 1
    term = exp(log_gamma(n + 1) - log_gamma(least + 1) - log_gamma(n - least + 1) - n * log(2))
    for (k = least; k >= 0 && term > 0; k--) {
        sum += term
        term *= k / (n - k + 1)
    }
    return sum * 2 < 1 ? sum * 2 : 1
}

# Holm's adjustment (S. Holm, 1979) of p[1..n] into adjusted[1..n]: step down through the ordered
# values, each times the number of those not smaller, never decreasing, at most 1.
function holm(p, n, adjusted,   order, i, j, k, most) {
    for (i = 1; i <= n; i++) {
        for (j = i; j > 1 && p[order[j - 1]] > p[i]; j--) order[j] = order[j - 1]
        order[j] = i
    }
    most = 0
    for (k = 1; k <= n; k++) {
        if (p[order[k]] * (n - k + 1) > most) most = p[order[k]] * (n - k + 1)
        adjusted[order[k]] = most < 1 ? most : 1
    }
}

# Mean and standard deviation of value[1..n], returned in moments["mean"] and ["sd"].
function moments_of(value, n, moments,   i, sum, squares) {
    for (i = 1; i <= n; i++) sum += value[i]
    moments["mean"] = sum / n
    for (i = 1; i <= n; i++) squares += (value[i] - sum / n) ^ 2
    moments["sd"] = n > 1 ? sqrt(squares / (n - 1)) : 0
}

# Ranks of value[1..n], ties sharing their mean rank.
function ranks_of(value, n, rank,   i, j) {
    for (i = 1; i <= n; i++) {
        rank[i] = 0.5
        for (j = 1; j <= n; j++) rank[i] += value[j] < value[i] ? 1 : value[j] == value[i] ? 0.5 : 0
    }
}
