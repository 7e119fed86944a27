/* The whole network's gradient, in double precision, against its loss.
 *
 * Oracle: central differences of the loss by single parameters, some of every tensor. A ReLU has a
 * kink, and a difference across one is not a derivative: among the many activations of a network
 * one may turn on or off between the two sides. So the step is small (2^-20, a float's and exact),
 * nearly all differences must agree closely, and the few others loosely. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn_case.h"

enum { PLACES = 2 }; /* parameters tried in each tensor */

struct tally {
    int tried, close;
    double largest;
};

static double loss_at(const struct nn_case *c, struct sam_engine *engine, struct nn_result *r)
{
    nn_gradient(c, engine, c->parameters, false, r);
    return r->result.loss;
}

static double slope_at(const struct nn_case *c, struct sam_engine *engine, float *place,
                       struct nn_result *r)
{
    const float before = *place, h = 0x1p-20F;
    *place = before + h;
    const float above = *place;
    const double loss_above = loss_at(c, engine, r);
    *place = before - h;
    const double loss_below = loss_at(c, engine, r);
    const double slope = (loss_above - loss_below) / ((double)above - (double)*place);
    *place = before;
    return slope;
}

/* The error of one parameter's derivative, in units of the root mean square of its tensor's. */
static double scaled_error(double slope, const float *gradient, const struct sam_arch_tensor *t,
                           size_t i)
{
    double squares = 0;
    for (size_t k = 0; k < t->count; k++)
        squares += (double)gradient[t->offset + k] * (double)gradient[t->offset + k];
    return fabs(slope - (double)gradient[t->offset + i]) / sqrt(squares / (double)t->count);
}

static void try_tensor(const struct nn_case *c, struct sam_engine *engine,
                       const struct sam_arch_tensor *t, const float *gradient,
                       struct nn_result *scratch, struct tally *tally)
{
    struct sam_rng rng;
    sam_rng_init(&rng, 2, SAM_RNG_TEST, 0, (uint32_t)t->offset);
    for (int k = 0; k < PLACES; k++) {
        const size_t i = sam_rng_below(&rng, (uint32_t)t->count);
        const double slope = slope_at(c, engine, c->parameters + t->offset + i, scratch);
        const double error = scaled_error(slope, gradient, t, i);
        tally->tried++;
        tally->close += error < 1e-5;
        tally->largest = fmax(tally->largest, error);
    }
}

static void check_network(struct sam_arch arch, int batch, bool perturbed)
{
    struct nn_case c = nn_case_new(arch, batch);
    struct sam_pool *pool = nn_pool(2);
    struct sam_engine *engine = nn_engine(&c, "double", SAM_ENGINE_CONV_DIRECT, pool);
    struct nn_result r = nn_result_new(&c), scratch = nn_result_new(&c);
    nn_gradient(&c, engine, c.parameters, false, &r);
    if (perturbed) { /* gp: the gradient at w + 0.1 g / ||g|| */
        nn_move(c.parameters, r.gradient, c.tables.parameter_count, 0.1, c.parameters);
        nn_gradient(&c, engine, c.parameters, false, &r);
    }
    struct tally tally = {0};
    for (size_t i = 0; i < c.tables.parameter_tensors; i++)
        try_tensor(&c, engine, &c.tables.parameters[i], r.gradient, &scratch, &tally);
    print_message("# resnet%d width %d batch %d: %d of %d within 1e-5, largest %.1e\n", arch.depth,
                  arch.width, batch, tally.close, tally.tried, tally.largest);
    assert_true(tally.close >= 0.95 * tally.tried);
    assert_true(tally.largest < 0.05);
    nn_result_free(&r);
    nn_result_free(&scratch);
    sam_engine_free(engine);
    sam_pool_free(pool);
    nn_case_free(&c);
}

static void gradient_of_resnet18(void **state)
{
    (void)state;
    check_network((struct sam_arch){18, 4, 3, 10}, 4, false);
    check_network((struct sam_arch){18, 3, 1, 7}, 3, true);
}

static void gradient_of_resnet34(void **state)
{
    (void)state;
    check_network((struct sam_arch){34, 2, 3, 10}, 3, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_of_resnet18),
        cmocka_unit_test(gradient_of_resnet34),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
