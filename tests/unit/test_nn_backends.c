/* Every engine of this machine against "double", which is held against PyTorch and differences
 * elsewhere: at initial weights and after some steps; g, and gp at w + 0.1 g / ||g||; running
 * statistics; evaluation; the same bytes for any number of threads and any room for the minibatch.
 *
 * What rounding does: gradients agree to about 5e-6, until it decides the sign of one value before
 * a ReLU; that moves all gradients below by up to 2e-2 in these small networks, and happens in some
 * cases whatever the engine. So the lower quartile of the gradients' differences is held tightly,
 * the largest loosely, and what no ReLU can tip tightly. That would not show an error in a few
 * cases alone: so in others, with minibatches of several parts, biases decide what the ReLUs do,
 * and the gradient of each convolution is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "geometry/ratio.h"
#include "nn_case.h"

static const double RHO = 0.1;

struct difference {
    double loss, evaluated, g, gp, statistics; /* relative */
    double flips, classes;                     /* shares of the parameters */
    double shares;                             /* the largest change of a class's share */
};

/* Gradients at the weights (buffers updated) and at the perturbed weights, and an evaluation. */
struct outcome {
    struct nn_result here, there;
    struct sam_engine_result evaluated;
};

static struct outcome outcome_new(const struct nn_case *c)
{
    return (struct outcome){.here = nn_result_new(c), .there = nn_result_new(c)};
}

static void outcome_free(struct outcome *o)
{
    nn_result_free(&o->here);
    nn_result_free(&o->there);
}

enum { MOST_IMAGES = 300 };

/* An image alone is counted as it was among others: evaluation knows no minibatch. */
static void assert_answers(const struct nn_case *c, struct sam_engine *engine, const uint8_t *right,
                           uint32_t correct)
{
    const size_t pixels = (size_t)c->tables.stem.in * SAM_ARCH_IMAGE * SAM_ARCH_IMAGE;
    uint32_t sum = 0;
    for (int n = 0; n < c->batch; n++)
        sum += right[n];
    assert_int_equal(sum, correct);
    for (int n = 0; n < c->batch; n += 5 + c->batch / 10) {
        struct sam_engine_result alone;
        sam_engine_evaluate(engine, c->parameters, c->buffers, c->images + (size_t)n * pixels,
                            c->labels + n, 1, &alone, NULL);
        assert_int_equal(alone.correct, right[n]);
    }
}

static void run(const struct nn_case *c, struct sam_engine *engine, const float *perturbed,
                struct outcome *o)
{
    nn_gradient(c, engine, c->parameters, true, &o->here);
    nn_gradient(c, engine, perturbed, false, &o->there);
    assert_memory_equal(o->there.buffers, c->buffers, c->tables.buffer_count * sizeof(float));
    uint8_t right[MOST_IMAGES];
    assert_true(c->batch <= MOST_IMAGES);
    sam_engine_evaluate(engine, c->parameters, c->buffers, c->images, c->labels, c->batch,
                        &o->evaluated, right);
    assert_answers(c, engine, right, o->evaluated.correct);
}

static void assert_same_bytes(const struct nn_case *c, const struct outcome *a,
                              const struct outcome *b)
{
    const size_t n = c->tables.parameter_count * sizeof(float);
    assert_memory_equal(a->here.gradient, b->here.gradient, n);
    assert_memory_equal(a->there.gradient, b->there.gradient, n);
    assert_memory_equal(a->here.buffers, b->here.buffers, c->tables.buffer_count * sizeof(float));
    assert_memory_equal(&a->here.result.loss, &b->here.result.loss, sizeof(double));
    assert_memory_equal(&a->there.result.loss, &b->there.result.loss, sizeof(double));
    assert_memory_equal(&a->evaluated.loss, &b->evaluated.loss, sizeof(double));
    assert_int_equal(a->here.result.correct, b->here.result.correct);
    assert_int_equal(a->evaluated.correct, b->evaluated.correct);
}

static double relative_loss(double a, double b)
{
    return fabs(a / b - 1);
}

static struct difference compare(const struct nn_case *c, const struct outcome *seen,
                                 const struct outcome *want)
{
    const size_t n = c->tables.parameter_count;
    const float *g = seen->here.gradient, *gp = seen->there.gradient;
    const float *want_g = want->here.gradient, *want_gp = want->there.gradient;
    size_t flips = 0, changed = 0;
    double balance[SAM_RATIO_CLASSES] = {0}, shares = 0;
    for (size_t i = 0; i < n; i++) {
        const int class = sam_ratio_class((double)g[i], (double)gp[i]);
        const int want_class = sam_ratio_class((double)want_g[i], (double)want_gp[i]);
        flips += (g[i] > 0) != (want_g[i] > 0);
        changed += class != want_class;
        balance[class]++;
        balance[want_class]--;
    }
    for (int k = 0; k < SAM_RATIO_CLASSES; k++)
        shares = fmax(shares, fabs(balance[k]) / (double)n);
    return (struct difference){
        .loss = fmax(relative_loss(seen->here.result.loss, want->here.result.loss),
                     relative_loss(seen->there.result.loss, want->there.result.loss)),
        .evaluated = relative_loss(seen->evaluated.loss, want->evaluated.loss),
        .g = nn_relative(g, want_g, n),
        .gp = nn_relative(gp, want_gp, n),
        .statistics = nn_relative(seen->here.buffers, want->here.buffers, c->tables.buffer_count),
        .flips = (double)flips / (double)n,
        .classes = (double)changed / (double)n,
        .shares = shares,
    };
}

/* --- The cases ----------------------------------------------------------------------------- */

static const struct {
    struct sam_arch arch;
    int batch;
} cases[] = {
    {{18, 3, 3, 10}, 1},   {{18, 3, 1, 10}, 16}, {{18, 3, 3, 100}, 37},  {{18, 8, 1, 10}, 5},
    {{18, 8, 3, 100}, 16}, {{18, 16, 3, 10}, 5}, {{18, 16, 1, 100}, 37}, {{34, 3, 3, 10}, 37},
    {{34, 8, 3, 10}, 1},   {{18, 1, 1, 2}, 5},
};
enum { CASES = sizeof cases / sizeof cases[0], MAX_ENGINES = 16, STEPS = 4 };

struct engine {
    const char *kernels;
    enum sam_engine_conv conv;
    struct difference differences[2 * CASES]; /* of each case: initial weights, trained ones */
};

/* A case with its reference, at the weights where the case is now. */
struct reference {
    struct nn_case c;
    struct sam_pool *pool;
    struct sam_engine *engine;
    float *perturbed;
    struct outcome want;
};

static struct reference reference_new(struct sam_arch arch, int batch, const char *kernels)
{
    struct reference r = {.c = nn_case_new(arch, batch), .pool = nn_pool(2)};
    r.engine = nn_engine(&r.c, kernels, SAM_ENGINE_CONV_DIRECT, r.pool);
    r.perturbed = nn_array(r.c.tables.parameter_count, sizeof *r.perturbed);
    r.want = outcome_new(&r.c);
    return r;
}

static void reference_free(struct reference *r)
{
    outcome_free(&r->want);
    free(r->perturbed);
    sam_engine_free(r->engine);
    sam_pool_free(r->pool);
    nn_case_free(&r->c);
}

static void reference_run(struct reference *r)
{
    nn_gradient(&r->c, r->engine, r->c.parameters, false, &r->want.here);
    nn_move(r->c.parameters, r->want.here.gradient, r->c.tables.parameter_count, RHO, r->perturbed);
    run(&r->c, r->engine, r->perturbed, &r->want);
}

/* Some steps of normalised descent on the case's own minibatch, in double precision. */
static void reference_train(struct reference *r)
{
    struct nn_case *c = &r->c;
    for (int step = 0; step < STEPS; step++) {
        nn_gradient(c, r->engine, c->parameters, true, &r->want.here);
        memcpy(c->buffers, r->want.here.buffers, c->tables.buffer_count * sizeof *c->buffers);
        nn_move(c->parameters, r->want.here.gradient, c->tables.parameter_count, -0.3,
                c->parameters);
    }
}

/* What must make no difference: threads, room beyond the minibatch, calls before this one. */
struct circumstances {
    int threads, room, calls;
};

static void run_engine(const struct reference *r, const struct engine *engine,
                       struct circumstances given, struct outcome *o)
{
    struct nn_case c = r->c;
    c.settings.max_batch += given.room;
    struct sam_pool *pool = nn_pool(given.threads);
    struct sam_engine *made = nn_engine(&c, engine->kernels, engine->conv, pool);
    for (int call = 0; call < given.calls; call++)
        run(&c, made, r->perturbed, o);
    sam_engine_free(made);
    sam_pool_free(pool);
}

static void check_bytes(const struct reference *r, const struct engine *engine,
                        const struct outcome *first)
{
    static const struct circumstances others[] = {{2, 0, 2}, {3, 23, 1}};
    struct outcome other = outcome_new(&r->c);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        run_engine(r, engine, others[i], &other);
        assert_same_bytes(&r->c, first, &other);
    }
    outcome_free(&other);
}

static const char *way_of(const struct engine *engine)
{
    return engine->conv == SAM_ENGINE_CONV_FAST ? "fast" : "direct";
}

static void print_difference(const struct nn_case *c, const struct engine *engine,
                             const struct difference *d)
{
    const struct sam_arch *arch = &c->settings.arch;
    print_message("# resnet%d width %2d batch %2d %8s %-6s loss %.0e evaluated %.0e g %.1e gp %.1e "
                  "statistics %.0e, flips %.1e classes %.1e shares %.1e\n",
                  arch->depth, arch->width, c->batch, engine->kernels, way_of(engine), d->loss,
                  d->evaluated, d->g, d->gp, d->statistics, d->flips, d->classes, d->shares);
}

static void try_engine(const struct reference *r, struct engine *engine, bool bytes,
                       struct difference *difference)
{
    struct outcome first = outcome_new(&r->c);
    run_engine(r, engine, (struct circumstances){1, 0, 1}, &first);
    if (bytes)
        check_bytes(r, engine, &first);
    *difference = compare(&r->c, &first, &r->want);
    print_difference(&r->c, engine, difference);
    outcome_free(&first);
}

/* Every engine, in both ways of convolving where it has two. */
static size_t list_engines(struct engine *engines)
{
    size_t count = 0;
    for (const char *const *name = sam_engine_kernel_names(); *name; name++) {
        assert_true(count + 2 <= MAX_ENGINES);
        engines[count++] = (struct engine){.kernels = *name, .conv = SAM_ENGINE_CONV_DIRECT};
        if (strcmp(*name, "plain") != 0 && strcmp(*name, "double") != 0)
            engines[count++] = (struct engine){.kernels = *name, .conv = SAM_ENGINE_CONV_FAST};
    }
    return count;
}

static void try_engines(const struct reference *r, struct engine *engines, size_t count,
                        bool trained, size_t slot)
{
    print_message("# %s weights\n", trained ? "trained" : "initial");
    for (size_t e = 0; e < count; e++)
        try_engine(r, &engines[e], !trained, &engines[e].differences[slot]);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
}

static void check_differences(const struct engine *engine)
{
    enum { COUNT = 2 * CASES, QUARTILE = COUNT / 4 - 1 };
    double g[COUNT], gp[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        const struct difference *d = &engine->differences[i];
        assert_true(d->loss < 5e-6 && d->evaluated < 2e-6 && d->statistics < 2e-6);
        assert_true(d->g < 0.05 && d->gp < 0.05);
        assert_true(d->flips < 0.02 && d->classes < 0.1 && d->shares < 0.02);
        g[i] = d->g;
        gp[i] = d->gp;
    }
    sort(g, COUNT);
    sort(gp, COUNT);
    print_message("# %s, %s: lower quartile g %.1e gp %.1e, largest g %.1e gp %.1e\n",
                  engine->kernels, way_of(engine), g[QUARTILE], gp[QUARTILE], g[COUNT - 1],
                  gp[COUNT - 1]);
    assert_true(g[QUARTILE] < 1e-5 && gp[QUARTILE] < 1e-5);
}

static void engines_agree_with_double(void **state)
{
    (void)state;
    struct engine engines[MAX_ENGINES];
    const size_t count = list_engines(engines);
    for (size_t i = 0; i < CASES; i++) {
        struct reference r = reference_new(cases[i].arch, cases[i].batch, "double");
        reference_run(&r);
        try_engines(&r, engines, count, false, 2 * i);
        reference_train(&r);
        reference_run(&r);
        try_engines(&r, engines, count, true, 2 * i + 1);
        reference_free(&r);
    }
    for (size_t e = 0; e < count; e++)
        check_differences(&engines[e]);
}

/* --- ReLUs that are decided ------------------------------------------------------------------ */

/* Minibatches of several parts. The reference where "double" would take minutes is "plain", which
 * is held against it above. */
static const struct {
    struct sam_arch arch;
    int batch;
    const char *reference;
} still_cases[] = {
    {{18, 8, 3, 100}, 37, "double"},
    {{34, 8, 3, 10}, 33, "plain"},
    {{18, 8, 1, 10}, 300, "plain"}, /* above 256 images: parts of more than 16 */
    {{18, 32, 3, 10}, 70, "plain"}, /* from 256 features on: larger parts of 4x4 images */
};

/* What comes out of a norm is within 6 of its bias: so a bias of 8 or -8 lets all of a channel
 * through the ReLU behind it or nothing; at the end of a block, where the other branch adds up to
 * what earlier blocks let through, 16 or -1000 does. A shortcut's norm keeps its 0, and so does the
 * last norm of all, behind which few values can be tipped: without any bend the mean over the
 * pixels would be all but constant, and no gradient flow. */
static void hold_still(struct nn_case *c)
{
    struct sam_rng rng;
    sam_rng_init(&rng, 2, SAM_RNG_TEST, 0, 0);
    for (size_t t = 0; t < c->tables.parameter_tensors; t++) {
        const struct sam_arch_tensor *tensor = &c->tables.parameters[t];
        const bool ends_block = strstr(tensor->name, "bn2") != NULL;
        if (tensor->role != SAM_ARCH_NORM_BIAS || strstr(tensor->name, "shortcut") ||
            t + 3 == c->tables.parameter_tensors)
            continue;
        for (size_t i = 0; i < tensor->count; i++) {
            const bool through = i == 0 || sam_rng_below(&rng, 2);
            c->parameters[tensor->offset + i] =
                ends_block ? (through ? 16 : -1000) : (through ? 8 : -8);
        }
    }
}

/* The largest relative difference of a convolution's gradient, of g and gp. */
static double worst_convolution(const struct nn_case *c, const struct outcome *seen,
                                const struct outcome *want)
{
    double worst = 0;
    for (size_t t = 0; t < c->tables.parameter_tensors; t++) {
        const struct sam_arch_tensor *tensor = &c->tables.parameters[t];
        const size_t at = tensor->offset, n = tensor->count;
        if (tensor->role != SAM_ARCH_CONV)
            continue;
        worst = fmax(worst, nn_relative(seen->here.gradient + at, want->here.gradient + at, n));
        worst = fmax(worst, nn_relative(seen->there.gradient + at, want->there.gradient + at, n));
    }
    return worst;
}

/* The large biases cost three digits of single precision; an error in one part or sum is larger. */
static void assert_still_agrees(const struct reference *r, const struct engine *engine)
{
    struct outcome seen = outcome_new(&r->c);
    run_engine(r, engine, (struct circumstances){1, 0, 1}, &seen);
    check_bytes(r, engine, &seen);
    const double worst = worst_convolution(&r->c, &seen, &r->want);
    print_message("# resnet%d width %2d batch %3d %8s %-6s worst convolution %.1e\n",
                  r->c.settings.arch.depth, r->c.settings.arch.width, r->c.batch, engine->kernels,
                  way_of(engine), worst);
    assert_true(worst < 5e-3);
    outcome_free(&seen);
}

static void engines_agree_where_relus_are_decided(void **state)
{
    (void)state;
    struct engine engines[MAX_ENGINES];
    const size_t count = list_engines(engines);
    for (size_t i = 0; i < sizeof still_cases / sizeof *still_cases; i++) {
        struct reference r =
            reference_new(still_cases[i].arch, still_cases[i].batch, still_cases[i].reference);
        hold_still(&r.c);
        reference_run(&r);
        for (size_t e = 0; e < count; e++)
            if (strcmp(engines[e].kernels, "double") != 0 &&
                strcmp(engines[e].kernels, "plain") != 0)
                assert_still_agrees(&r, &engines[e]);
        reference_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_agree_with_double),
        cmocka_unit_test(engines_agree_where_relus_are_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
