/* kernels_real - the loops of kernels_body.h that differ by the type of the gradients: included by
 * it with REAL (float, double), BITS (its bits as an unsigned integer), SBITS (as a signed one),
 * SIGN (the sign bit) and INFINITE (the bits of infinity). */

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

#undef TYPED
#undef REAL
#undef BITS
#undef SBITS
#undef SIGN
#undef INFINITE
