/* kernels_real - the loops of kernels_body.h that differ by the type of the gradients: included by
 * it with REAL (float, double), BITS (its bits as an unsigned integer), SBITS (as a signed one),
 * SIGN (the sign bit), INFINITE (the bits of infinity), and BELOW and ABOVE (the members of struct
 * sam_buckets that hold its edges in this type). */

#define TYPED(name) NAMED(JOIN(name, REAL))

/* The numbers of the four classes follow from two facts: 2, less 1 if |gp| > |g|, plus 2 if the
 * signs differ. Magnitudes are compared as integers, which order as the numbers do (IEEE 754). */
BLOCK_LOOP TYPED(classify_block)(const REAL *restrict current, const REAL *restrict perturbed,
                                 uint8_t *restrict classes)
{
    for (int i = 0; i < BLOCK; i++) {
        BITS g, gp;
        memcpy(&g, current + i, sizeof g);
        memcpy(&gp, perturbed + i, sizeof gp);
        const SBITS before = (SBITS)(g & ~SIGN), after = (SBITS)(gp & ~SIGN);
        const SBITS defined = (before != 0) & (before < INFINITE) & (after < INFINITE);
        const SBITS larger = after > before;
        const SBITS opposite = ((SBITS)(g ^ gp) < 0) & (after != 0);
        classes[i] = (uint8_t)(-defined & (2 - larger + 2 * opposite));
    }
}

TARGET static void TYPED(classify)(const REAL *current, const REAL *perturbed, size_t n,
                                   uint8_t *classes)
{
    const size_t left = n % BLOCK, whole = n - left;
    for (size_t i = 0; i < whole; i += BLOCK)
        TYPED(classify_block)(current + i, perturbed + i, classes + i);
    if (left) {
        REAL g[BLOCK] = {0}, gp[BLOCK] = {0};
        uint8_t found[BLOCK];
        memcpy(g, current + whole, left * sizeof *g);
        memcpy(gp, perturbed + whole, left * sizeof *gp);
        TYPED(classify_block)(g, gp, found);
        memcpy(classes + whole, found, left);
    }
}

/* The members of the class in a block with r >= edge, by the definition: r in double precision. */
BLOCK_LOOP TYPED(compare_exactly)(const REAL *current, const REAL *perturbed,
                                  const uint8_t *classes, uint8_t ratio_class, double edge,
                                  uint64_t *count)
{
    for (int i = 0; i < BLOCK; i++)
        *count += classes[i] == ratio_class && (double)perturbed[i] / (double)current[i] >= edge;
}

/* Quotients rounded to REAL are enough unless one lies at an edge: rounding never changes the order
 * of two numbers, so a quotient below BELOW (above ABOVE) says that the exact one is below (above)
 * the edge, and in double precision too. Where the two comparisons count alike, no quotient of the
 * block lies in between. NaN, which compares false, stands for the parameters of other classes. */
BLOCK_LOOP TYPED(buckets_block)(const struct sam_buckets *buckets, const REAL *restrict current,
                                const REAL *restrict perturbed, const uint8_t *restrict classes,
                                uint64_t *restrict at_least)
{
    const uint8_t ratio_class = (uint8_t)buckets->ratio_class;
    REAL r[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        r[i] = perturbed[i] / current[i];
    for (int i = 0; i < BLOCK; i++)
        r[i] = classes[i] == ratio_class ? r[i] : (REAL)NAN;
    for (size_t edge = buckets->first; edge < buckets->last; edge++) {
        const REAL below = buckets->BELOW[edge], above = buckets->ABOVE[edge];
        SBITS possible = 0, certain = 0;
        for (int i = 0; i < BLOCK; i++) {
            possible += r[i] >= below;
            certain += r[i] > above;
        }
        if (possible == certain)
            at_least[edge] += (uint64_t)certain;
        else
            TYPED(compare_exactly)
        (current, perturbed, classes, buckets->ratio_class, buckets->edges[edge], &at_least[edge]);
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
#undef BELOW
#undef ABOVE
