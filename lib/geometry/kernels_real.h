/* kernels_real - the loops of kernels_body.h that differ by the type of the gradients: included by
 * it with REAL (float, double), BITS (its bits as an unsigned integer), SBITS (as a signed one),
 * SIGN (the sign bit), INFINITE (the bits of infinity), EDGES (the member of struct sam_buckets
 * that holds its edges in this type), ROUNDED (a quotient in this type is not yet what the
 * definition compares, which is one in double precision) and LAST_BITS (a mask). */

#define TYPED(name) NAMED(JOIN(name, REAL))

/* The numbers of the four classes follow from two facts: 2, less 1 if |gp| > |g|, plus 2 if the
 * signs differ. Magnitudes are compared as integers, which order as the numbers do (IEEE 754).
 * Conditions are all bits or none, as wide as the numbers, and bytes are made of the result alone:
 * GCC would make bytes of every condition, which takes twice the time with AVX2. */
BLOCK_LOOP TYPED(classify_block)(const REAL *restrict current, const REAL *restrict perturbed,
                                 uint8_t *restrict classes)
{
    SBITS found[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        BITS g, gp;
        memcpy(&g, current + i, sizeof g);
        memcpy(&gp, perturbed + i, sizeof gp);
        const SBITS before = (SBITS)(g & ~SIGN), after = (SBITS)(gp & ~SIGN);
        const SBITS most = before > after ? before : after;
        const SBITS defined = -(SBITS)(before > 0) & -(SBITS)(most < INFINITE);
        const SBITS larger = -(SBITS)(after > before);
        const SBITS opposite = -(SBITS)((SBITS)(g ^ gp) < 0) & -(SBITS)(after > 0);
        found[i] = defined & (2 + larger - 2 * opposite);
    }
    for (int i = 0; i < BLOCK; i++)
        classes[i] = (uint8_t)found[i];
}

TARGET static void TYPED(classify)(const REAL *current, const REAL *perturbed, size_t n,
                                   uint8_t *classes)
{
    const size_t left = n % BLOCK, whole = n - left;
    for (size_t i = 0; i < whole; i += BLOCK) {
        fetch_ahead(current + i, BLOCK * sizeof *current);
        fetch_ahead(perturbed + i, BLOCK * sizeof *perturbed);
        TYPED(classify_block)(current + i, perturbed + i, classes + i);
    }
    if (left) {
        REAL g[BLOCK] = {0}, gp[BLOCK] = {0};
        uint8_t found[BLOCK];
        memcpy(g, current + whole, left * sizeof *g);
        memcpy(gp, perturbed + whole, left * sizeof *gp);
        TYPED(classify_block)(g, gp, found);
        memcpy(classes + whole, found, left);
    }
}

/* The ratios of a block in the type of the gradients; NaN, with all bits set, for the parameters of
 * other classes. */
BLOCK_LOOP TYPED(divide_block)(const REAL *restrict current, const REAL *restrict perturbed,
                               const uint8_t *restrict classes, uint8_t ratio_class,
                               REAL *restrict r)
{
    for (int i = 0; i < BLOCK; i++) {
        const REAL quotient = perturbed[i] / current[i];
        BITS bits;
        memcpy(&bits, &quotient, sizeof bits);
        bits |= (BITS)(-(SBITS)(classes[i] != ratio_class));
        memcpy(&r[i], &bits, sizeof bits);
    }
}

INLINE SBITS TYPED(at_least_in)(const REAL *restrict r, REAL bound)
{
    SBITS count = 0;
    for (int i = 0; i < BLOCK; i++)
        count += r[i] >= bound;
    return count;
}

INLINE bool TYPED(is_among)(const REAL *restrict r, REAL value)
{
    SBITS count = 0;
    for (int i = 0; i < BLOCK; i++)
        count += r[i] == value;
    return count > 0;
}

/* The last bits of a number, zero in most edges that people choose, and in few quotients. */
INLINE BITS TYPED(last_bits)(REAL number)
{
    BITS bits;
    memcpy(&bits, &number, sizeof bits);
    return bits & LAST_BITS;
}

INLINE bool TYPED(all_have_last_bits)(const REAL *restrict r)
{
    SBITS without = 0;
    for (int i = 0; i < BLOCK; i++)
        without += TYPED(last_bits)(r[i]) == 0;
    return without == 0;
}

/* The members of the class in a block with r >= edge, by the definition: r in double precision. */
BLOCK_LOOP TYPED(compare_exactly)(const REAL *current, const REAL *perturbed,
                                  const uint8_t *classes, uint8_t ratio_class, double edge,
                                  uint64_t *count)
{
    for (int i = 0; i < BLOCK; i++)
        *count += classes[i] == ratio_class && (double)perturbed[i] / (double)current[i] >= edge;
}

/* A quotient of floats in single precision is the one in double precision rounded once more: double
 * precision has the 2 * 24 + 2 bits that make the first rounding harmless (S. A. Figueroa, "When is
 * double rounding innocuous?", SIGNUM Newsletter 1995; below the normal range too, as such a
 * quotient is a midpoint of floats or at least 2^-49 of itself away from it). And rounding never
 * changes the order of two numbers. So quotient and edge, both rounded to REAL, tell on which side
 * of the edge the quotient lies, unless they are equal: only then the definition has to be asked.
 */
BLOCK_LOOP TYPED(buckets_block)(const struct sam_buckets *buckets, const REAL *restrict current,
                                const REAL *restrict perturbed, const uint8_t *restrict classes,
                                uint64_t *restrict at_least)
{
    const uint8_t ratio_class = (uint8_t)buckets->ratio_class;
    REAL r[BLOCK];
    TYPED(divide_block)(current, perturbed, classes, ratio_class, r);
    const bool with_last_bits = ROUNDED && TYPED(all_have_last_bits)(r);
    for (size_t edge = buckets->first; edge < buckets->last; edge++) {
        const REAL rounded = buckets->EDGES[edge];
        const bool differs = !ROUNDED || (with_last_bits && TYPED(last_bits)(rounded) == 0) ||
                             !TYPED(is_among)(r, rounded);
        if (differs) {
            at_least[edge] += (uint64_t)TYPED(at_least_in)(r, rounded);
            continue;
        }
        TYPED(compare_exactly)
        (current, perturbed, classes, ratio_class, buckets->edges[edge], &at_least[edge]);
    }
}

TARGET static void TYPED(count_buckets)(const struct sam_buckets *buckets, const REAL *current,
                                        const REAL *perturbed, const uint8_t *classes, size_t n,
                                        uint64_t *at_least)
{
    const size_t left = n % BLOCK, whole = n - left;
    for (size_t i = 0; i < whole; i += BLOCK)
        TYPED(buckets_block)(buckets, current + i, perturbed + i, classes + i, at_least);
    if (left) {
        REAL g[BLOCK] = {0}, gp[BLOCK] = {0};
        uint8_t undefined[BLOCK] = {SAM_RATIO_UNDEFINED};
        memcpy(g, current + whole, left * sizeof *g);
        memcpy(gp, perturbed + whole, left * sizeof *gp);
        memcpy(undefined, classes + whole, left);
        TYPED(buckets_block)(buckets, g, gp, undefined, at_least);
    }
}

#undef TYPED
#undef REAL
#undef BITS
#undef SBITS
#undef SIGN
#undef INFINITE
#undef EDGES
#undef ROUNDED
#undef LAST_BITS
