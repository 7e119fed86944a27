/* 16-bit floats, conversions, kinds. Oracles: the definition of the formats (sign, exponent,
 * fraction put together by ldexp); for rounding, the nearest of all values of the format. */
#include "stream_files.h"

#include <math.h>

#include "stream/convert.h"
#include "stream/half.h"
#include "stream/kind.h"

/* What a bit pattern of a format with `fraction` bits of fraction means. */
static double meaning(uint16_t bits, int fraction)
{
    const int exponent_bits = 15 - fraction, bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = bits >> fraction & ((1 << exponent_bits) - 1);
    const int significand = bits & ((1 << fraction) - 1);
    const double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == (1 << exponent_bits) - 1)
        return significand ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(significand, 1 - bias - fraction);
    return sign * ldexp((1 << fraction) + significand, exponent - bias - fraction);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Each of the 65,536 patterns of both formats, one at a time and in long arrays. */
static void widening_is_exact(void **state)
{
    uint16_t *halves = malloc((1 << 16) * sizeof *halves);
    float *f16 = malloc((1 << 16) * sizeof *f16), *bf16 = malloc((1 << 16) * sizeof *bf16);
    (void)state;
    for (int i = 0; i < 1 << 16; i++)
        halves[i] = (uint16_t)i;
    sam_half_widen_f16(halves, 1 << 16, f16);
    sam_half_widen_bf16(halves, 1 << 16, bf16);
    for (int i = 0; i < 1 << 16; i++) {
        float alone;
        const double wanted = meaning(halves[i], 10);
        if (isnan(wanted)) /* sign and fraction are kept */
            assert_int_equal(bits_of(f16[i]), (uint32_t)(i & 0x8000) << 16 | 0x7f800000u |
                                                  (uint32_t)(i & 0x3ff) << 13);
        else
            assert_int_equal(bits_of(f16[i]), bits_of((float)wanted));
        assert_int_equal(bits_of(bf16[i]), (uint32_t)i << 16);
        if (!isnan(meaning(halves[i], 7)))
            assert_true((double)bf16[i] == meaning(halves[i], 7));
        sam_half_widen_f16(&halves[i], 1, &alone);
        assert_int_equal(bits_of(alone), bits_of(f16[i]));
    }
    free(halves);
    free(f16);
    free(bf16);
}

/* Between two neighbours: each itself, what is nearer goes there, the middle to the even pattern.
 */
static void check_between(uint16_t low, int fraction, uint16_t (*narrow)(double))
{
    const uint16_t high = (uint16_t)(low + 1);
    const double a = meaning(low, fraction);
    /* The value that would follow the greatest one is where infinity begins. */
    const double b = isinf(meaning(high, fraction)) ? 2 * a - meaning(low - 1, fraction)
                                                    : meaning(high, fraction);
    const double middle = a + (b - a) / 2;
    assert_int_equal(narrow(a), low);
    assert_int_equal(narrow(-a), low | 0x8000);
    assert_int_equal(narrow(nextafter(middle, 0)), low);
    assert_int_equal(narrow(nextafter(middle, INFINITY)), high);
    assert_int_equal(narrow(middle), low & 1 ? high : low);
    assert_int_equal(narrow(-middle), (low & 1 ? high : low) | 0x8000);
}

static void narrowing_is_to_the_nearest(void **state)
{
    (void)state;
    for (uint16_t low = 0; low < 0x7c00; low++)
        check_between(low, 10, sam_half_narrow_f16);
    for (uint16_t low = 0; low < 0x7f80; low++)
        check_between(low, 7, sam_half_narrow_bf16);
    uint16_t (*const narrow[2])(double) = {sam_half_narrow_f16, sam_half_narrow_bf16};
    for (int i = 0; i < 2; i++) {
        const int fraction = i == 0 ? 10 : 7;
        assert_true(isnan(meaning(narrow[i](NAN), fraction)));
        assert_true(isinf(meaning(narrow[i](INFINITY), fraction)));
        assert_true(meaning(narrow[i](-1e300), fraction) == -INFINITY);
        assert_int_equal(narrow[i](5e-324), 0);
        assert_int_equal(narrow[i](-5e-324), 0x8000);
    }
    const uint64_t least_nan = 0x7ff0000000000001; /* its fraction does not fit */
    double value;
    memcpy(&value, &least_nan, sizeof value);
    assert_true(isnan(meaning(sam_half_narrow_f16(value), 10)));
    assert_true(isnan(meaning(sam_half_narrow_bf16(value), 7)));
}

/* There and back, at odd addresses, through each format that has all values of the first one. */
static void conversions_round_trip(void **state)
{
    static const enum sam_dtype paths[][2] = {{SAM_F16, SAM_F32},  {SAM_F16, SAM_F64},
                                              {SAM_BF16, SAM_F32}, {SAM_BF16, SAM_F64},
                                              {SAM_F32, SAM_F64},  {SAM_F64, SAM_F64}};
    enum { N = 1300 }; /* some blocks and a rest */
    unsigned char original[8 * N + 1], there[8 * N + 1], back[8 * N + 1];
    (void)state;
    for (size_t path = 0; path < sizeof paths / sizeof *paths; path++) {
        const enum sam_dtype from = paths[path][0], to = paths[path][1];
        const size_t bytes = N * sam_dtype_size(from);
        for (size_t i = 0; i < bytes; i++) /* no exponent is all ones: no NaN */
            original[1 + i] = (unsigned char)(i * 37 % 101);
        sam_convert(from, original + 1, N, to, there + 1);
        sam_convert(to, there + 1, N, from, back + 1);
        assert_memory_equal(original + 1, back + 1, bytes);
    }
    const double doubles[] = {1e300, 1 + 0x1p-24, 1 + 0x1p-11 + 0x1p-40};
    float floats[3];
    uint16_t halves[3];
    sam_convert(SAM_F64, doubles, 3, SAM_F32, floats);
    assert_true(isinf(floats[0]) && floats[1] == 1);
    sam_convert(SAM_F64, doubles, 3, SAM_F16, halves); /* once: not by way of single precision */
    assert_int_equal(halves[2], 0x3c01);
}

static void kinds(void **state)
{
    static const struct {
        const char *name;
        int ndim, weight_ndim;
        enum sam_kind kind;
    } cases[] = {
        {"conv1.weight", 4, -1, SAM_KIND_CONV},
        {"layer4.0.shortcut.0.weight", 4, -1, SAM_KIND_CONV},
        {"layer4.0.shortcut.1.weight", 1, -1, SAM_KIND_NORM_WEIGHT},
        {"layer4.0.shortcut.1.bias", 1, 1, SAM_KIND_NORM_BIAS},
        {"layer4.0.shortcut.1.bias", 1, -1, SAM_KIND_NORM_BIAS},
        {"layer4.0.shortcut.0.bias", 1, -1, SAM_KIND_LINEAR_BIAS},
        {"downsample.1.bias", 1, -1, SAM_KIND_NORM_BIAS},
        {"1.bias", 1, -1, SAM_KIND_LINEAR_BIAS},
        {"layer1.0.bn1.bias", 1, -1, SAM_KIND_NORM_BIAS},
        {"linear.weight", 2, -1, SAM_KIND_LINEAR_WEIGHT},
        {"linear.bias", 1, 2, SAM_KIND_LINEAR_BIAS},
        {"linear.bias", 1, -1, SAM_KIND_LINEAR_BIAS},
        {"features.0.bias", 1, 4, SAM_KIND_OTHER}, /* a convolution's bias */
        {"conv1.bias", 1, -1, SAM_KIND_OTHER},
        {"encoder.layers.0.self_attn.in_proj_weight", 2, -1, SAM_KIND_LINEAR_WEIGHT},
        {"encoder.layers.0.self_attn.in_proj_bias", 1, 2, SAM_KIND_LINEAR_BIAS},
        {"encoder.layers.0.norm1.weight", 1, -1, SAM_KIND_NORM_WEIGHT},
        {"encoder.layers.0.norm1.bias", 1, -1, SAM_KIND_NORM_BIAS},
        {"transformer.h.0.ln_1.bias", 1, -1, SAM_KIND_NORM_BIAS},
        {"aln.bias", 1, -1, SAM_KIND_LINEAR_BIAS}, /* no "ln" of its own */
        {"embedding.weight", 2, -1, SAM_KIND_OTHER},
        {"model.tok_emb.weight", 2, -1, SAM_KIND_OTHER},
        {"patchEmbed.weight", 4, -1, SAM_KIND_OTHER},
        {"word_embeddings_layernorm.weight", 1, -1, SAM_KIND_NORM_WEIGHT},
        {"ensemble.weight", 2, -1, SAM_KIND_LINEAR_WEIGHT},
        {"transformer.wte.weight", 2, -1, SAM_KIND_OTHER},
        {"cls_token", 3, -1, SAM_KIND_OTHER},
        {"weight", 2, -1, SAM_KIND_LINEAR_WEIGHT},
        {"bias", 1, 2, SAM_KIND_LINEAR_BIAS},
        {"temperature.weight", 0, -1, SAM_KIND_OTHER},
        {"notaweight", 2, -1, SAM_KIND_OTHER},
        {"", 1, -1, SAM_KIND_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum sam_kind kind = sam_kind_of(cases[i].name, cases[i].ndim, cases[i].weight_ndim);
        if (kind != cases[i].kind)
            fail_msg("%s: %s, wanted %s", cases[i].name, sam_kind_name(kind),
                     sam_kind_name(cases[i].kind));
    }
    assert_int_equal(sam_kind_compare_weight("a.bias", "a.weight"), 0);
    assert_int_equal(sam_kind_compare_weight("in_proj_bias", "in_proj_weight"), 0);
    assert_true(sam_kind_compare_weight("a.bias", "a.bias") > 0);
    assert_true(sam_kind_compare_weight("b.bias", "a.weight") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widening_is_exact),
        cmocka_unit_test(narrowing_is_to_the_nearest),
        cmocka_unit_test(conversions_round_trip),
        cmocka_unit_test(kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
