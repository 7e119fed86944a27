/* The reader on streams that are in order. Oracle: the numbers that were put into the bytes. */
#include "stream_files.h"

#include <math.h>

/* Two parameters as our writer lays them out: each pair side by side. */
static const char adjacent[] =
    "{\"__metadata__\":{\"step\":\"176\",\"epoch\":\"2\",\"loss\":\"0.5\",\"other\":\"x\"},"
    "\"current/a.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
    "\"perturbed/a.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"
    "\"current/a.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]},"
    "\"perturbed/a.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[20,24]}}";
static const float adjacent_data[] = {1, 2, 3, 4, 5, 6};

/* The layout of the Python package: keys and data sorted by name, spaces up to a multiple of 8. */
static const char sorted[] =
    "{\"__metadata__\":{\"step\":\"7\"},"
    "\"current/a.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
    "\"current/a.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[4,12]},"
    "\"perturbed/a.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]},"
    "\"perturbed/a.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[16,24]}}      ";
static const float sorted_data[] = {5, 1, 2, 6, 3, 4};

/* No metadata, written out. */
static const char null_meta[] =
    "{\"__metadata__\":null,"
    "\"current/a.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
    "\"perturbed/a.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"
    "\"current/a.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]},"
    "\"perturbed/a.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[20,24]}}";

static struct sam_reader *begin(const struct fixture *fixture, const struct sam_record **record)
{
    struct sam_error error;
    struct sam_reader *reader = sam_reader_new(fixture->path, &error);
    assert_non_null(reader);
    assert_string_equal(sam_reader_name(reader), fixture->path);
    if (sam_reader_next(reader, record, &error) != 1)
        fail_msg("%s", error.text);
    return reader;
}

/* The same of a stream of one record. */
static struct sam_reader *begin_one(struct fixture *fixture, enum how how, const char *json,
                                    const void *data, size_t size, const struct sam_record **record)
{
    struct bytes bytes = {.size = 0};
    add_record(&bytes, json, data, size);
    fixture_open(fixture, &bytes, how);
    return begin(fixture, record);
}

static void end(struct sam_reader *reader, struct fixture *fixture)
{
    sam_reader_free(reader);
    fixture_close(fixture);
}

static void visit(struct sam_reader *reader, const bool *wanted, struct seen *seen)
{
    struct sam_error error;
    *seen = (struct seen){.last_pair = 0};
    if (sam_reader_visit(reader, wanted, see, seen, &error))
        fail_msg("%s", error.text);
}

static size_t pair_named(const struct sam_record *record, const char *name)
{
    for (size_t i = 0; i < record->pair_count; i++)
        if (strcmp(record->pairs[i].name, name) == 0)
            return i;
    fail_msg("no pair '%s'", name);
    return 0;
}

/* The record holds weight (1, 2) / (3, 4) and bias (5) / (6), wherever they lie. */
static void assert_weight_and_bias(struct sam_reader *reader, const struct sam_record *record)
{
    struct seen seen;
    assert_int_equal(record->pair_count, 2);
    assert_int_equal(record->parameters, 3);
    const size_t weight = pair_named(record, "a.weight"), bias = pair_named(record, "a.bias");
    assert_int_equal(record->pairs[weight].ndim, 2);
    assert_int_equal(record->pairs[weight].shape[0], 2);
    assert_int_equal(record->pairs[weight].count, 2);
    assert_int_equal(record->pairs[weight].kind, SAM_KIND_LINEAR_WEIGHT);
    assert_int_equal(record->pairs[bias].kind, SAM_KIND_LINEAR_BIAS);
    visit(reader, NULL, &seen);
    assert_true(seen.counts[weight] == 2 && seen.counts[bias] == 1);
    assert_true(seen.current[weight][0] == 1 && seen.current[weight][1] == 2);
    assert_true(seen.perturbed[weight][0] == 3 && seen.perturbed[weight][1] == 4);
    assert_true(seen.current[bias][0] == 5 && seen.perturbed[bias][0] == 6);
}

static void layouts(void **state)
{
    const struct {
        const char *json;
        const float *data;
    } cases[] = {{adjacent, adjacent_data}, {sorted, sorted_data}, {null_meta, adjacent_data}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (enum how how = 0; how < HOWS; how++) {
            struct fixture fixture;
            struct sam_error error;
            const struct sam_record *record;
            struct sam_reader *reader =
                begin_one(&fixture, how, cases[i].json, cases[i].data, 24, &record);
            assert_weight_and_bias(reader, record);
            assert_int_equal(sam_reader_next(reader, &record, &error), 0);
            end(reader, &fixture);
        }
}

static void perturbed_may_come_first(void **state)
{
    static const char json[] =
        "{\"perturbed/b\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]},"
        "\"current/a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[16,24]},"
        "\"current/b\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[24,40]},"
        "\"perturbed/a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[40,48]}}";
    static const double data[] = {-1, -2, 3, 1, 2, -3};
    (void)state;
    for (enum how how = 0; how < HOWS; how++) {
        struct fixture fixture;
        const struct sam_record *record;
        struct seen seen;
        struct sam_reader *reader = begin_one(&fixture, how, json, data, sizeof data, &record);
        assert_string_equal(record->pairs[0].name, "b"); /* whose last tensor comes first */
        visit(reader, NULL, &seen);
        assert_int_equal(seen.dtype, SAM_F64);
        assert_true(seen.current[0][0] == 1 && seen.current[0][1] == 2);
        assert_true(seen.perturbed[0][0] == -1 && seen.perturbed[0][1] == -2);
        assert_true(seen.current[1][0] == 3 && seen.perturbed[1][0] == -3);
        end(reader, &fixture);
    }
}

static void metadata_and_defaults(void **state)
{
    struct bytes bytes = {.size = 0};
    struct fixture fixture;
    struct sam_error error;
    const struct sam_record *record;
    (void)state;
    add_record(&bytes, adjacent, adjacent_data, sizeof adjacent_data);
    add_record(&bytes, strstr(adjacent, "\"current/a.w") - 1, adjacent_data, 24);
    bytes.data[8 + strlen(adjacent) + 24 + 8] = '{'; /* the second record has no metadata */
    fixture_open(&fixture, &bytes, AS_PIPE);

    struct sam_reader *reader = begin(&fixture, &record);
    assert_int_equal(record->number, 1);
    assert_int_equal(record->step, 176);
    assert_true(record->has_epoch);
    assert_int_equal(record->epoch, 2);
    assert_int_equal(record->offset, 0);
    assert_string_equal(sam_header_meta(record->header, "other"), "x");
    assert_int_equal(sam_reader_next(reader, &record, &error), 1); /* without a visit */
    assert_int_equal(record->number, 2);
    assert_int_equal(record->step, 2);
    assert_false(record->has_epoch);
    assert_int_equal(record->offset, 8 + strlen(adjacent) + 24);
    assert_weight_and_bias(reader, record);
    assert_int_equal(sam_reader_next(reader, &record, &error), 0);
    assert_int_equal(sam_reader_next(reader, &record, &error), 0);
    end(reader, &fixture);
}

/* The tensors of a header like the one before are kept; the metadata are its own. */
static void headers_alike(void **state)
{
#define TENSORS (strstr(adjacent, ",\"current/a.w"))
    static const struct {
        const char *front; /* NULL: the record is in the sorted layout */
        uint64_t step;
        bool repeated;
    } records[] = {
        {"{\"__metadata__\":{\"step\":\"5\"}", 5, false},
        {"{\"__metadata__\":{\"step\":\"60\"}", 60, true},
        {"{\"__metadata__\":{}", 3, true},
        {"{\"__metadata__\": {\"a\": \"}\\\"{\", \"step\": \"7\"}", 7, true},
        {"{\"__metadata__\":{\"step\":\"8\"} ", 8, false},
        {NULL, 7, false},
        {"{\"__metadata__\":{\"step\":\"9\"}", 9, false},
        {"{ \"__metadata__\":{\"step\":\"10\"}", 10, false},
        {"{\"__metadata__\":{\"step\":\"11\"}", 11, false},
    };
    (void)state;
    for (enum how how = 0; how < HOWS; how++) {
        struct bytes bytes = {.size = 0};
        struct fixture fixture;
        struct sam_error error;
        const struct sam_record *record;
        for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
            char json[1024];
            snprintf(json, sizeof json, "%s%s%*s", records[i].front ? records[i].front : sorted,
                     records[i].front ? TENSORS : "", (int)i, "");
            add_record(&bytes, json, records[i].front ? adjacent_data : sorted_data, 24);
        }
        fixture_open(&fixture, &bytes, how);
        struct sam_reader *reader = sam_reader_new(fixture.path, &error);
        for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
            assert_int_equal(sam_reader_next(reader, &record, &error), 1);
            assert_int_equal(record->step, records[i].step);
            assert_int_equal(record->header->repeated, records[i].repeated);
            if (i % 2 == 0) /* of a pipe another way than without a visit */
                assert_weight_and_bias(reader, record);
        }
        assert_int_equal(sam_reader_next(reader, &record, &error), 0);
        end(reader, &fixture);
    }
#undef TENSORS
}

static void half_precision_comes_as_single(void **state)
{
    static const char json[] =
        "{\"current/h\":{\"dtype\":\"F16\",\"shape\":[7],\"data_offsets\":[0,14]},"
        "\"perturbed/h\":{\"dtype\":\"F16\",\"shape\":[7],\"data_offsets\":[14,28]},"
        "\"current/b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[28,32]},"
        "\"perturbed/b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[32,36]}}";
    /* 1, -2, least subnormal, greatest, -0, inf, NaN; then BF16 1, -2^-133, greatest, -inf */
    static const uint16_t data[] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x7c00,
                                    0x7e00, 0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000,
                                    0x7c00, 0x7e00, 0x3f80, 0x8001, 0x7f7f, 0xff80};
    static const double wanted[] = {1, -2, 0x1p-24, 65504, -0.0, INFINITY};
    (void)state;
    for (enum how how = 0; how < HOWS; how++) {
        struct fixture fixture;
        const struct sam_record *record;
        struct seen seen;
        struct sam_reader *reader = begin_one(&fixture, how, json, data, sizeof data, &record);
        visit(reader, NULL, &seen);
        assert_int_equal(seen.dtype, SAM_F32);
        for (int i = 0; i < 6; i++)
            assert_true(seen.current[0][i] == wanted[i] && seen.perturbed[0][i] == wanted[i]);
        assert_true(signbit(seen.current[0][4]) && isnan(seen.current[0][6]));
        assert_true(seen.current[1][0] == 1 && seen.current[1][1] == -0x1p-133);
        assert_true(seen.perturbed[1][0] == 0x1.fep127 && seen.perturbed[1][1] == -INFINITY);
        end(reader, &fixture);
    }
}

static void scalars_empty_tensors_and_strangers(void **state)
{
    static const char json[] =
        "{\"stranger\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"current/scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]},"
        "\"newer\":{\"dtype\":\"F4\",\"shape\":[6],\"data_offsets\":[12,15]},"
        "\"perturbed/scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[15,19]},"
        "\"current/empty\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[19,19]},"
        "\"perturbed/empty\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[19,19]}}";
    unsigned char data[19] = {0};
    const float values[] = {-4, 8};
    (void)state;
    memcpy(data + 8, &values[0], 4); /* and the second one not aligned */
    memcpy(data + 15, &values[1], 4);
    for (enum how how = 0; how < HOWS; how++) {
        struct fixture fixture;
        struct sam_error error;
        const struct sam_record *record;
        struct seen seen;
        struct sam_reader *reader = begin_one(&fixture, how, json, data, sizeof data, &record);
        assert_int_equal(record->parameters, 1);
        assert_int_equal(record->pairs[pair_named(record, "scalar")].ndim, 0);
        visit(reader, NULL, &seen);
        assert_int_equal(seen.counts[pair_named(record, "empty")], 0);
        assert_true(seen.current[pair_named(record, "scalar")][0] == -4);
        assert_true(seen.perturbed[pair_named(record, "scalar")][0] == 8);
        assert_int_equal(sam_reader_next(reader, &record, &error), 0);
        end(reader, &fixture);
    }
}

static void class_records(void **state)
{
    static const char json[] =
        "{\"class/a\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[0,4]},"
        "\"class/b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[4,5]}}";
    static const uint8_t data[] = {0, 1, 2, 3, 4};
    (void)state;
    for (enum how how = 0; how < HOWS; how++) {
        struct fixture fixture;
        const struct sam_record *record;
        struct seen seen;
        struct sam_reader *reader = begin_one(&fixture, how, json, data, sizeof data, &record);
        assert_true(record->pairs[0].classes && !record->pairs[0].perturbed);
        visit(reader, NULL, &seen);
        assert_int_equal(seen.dtype, SAM_U8);
        assert_true(seen.current[0][1] == 1 && seen.current[0][3] == 3 && seen.current[1][0] == 4);
        end(reader, &fixture);
    }
}

static void only_wanted_pairs_are_visited(void **state)
{
    (void)state;
    for (enum how how = 0; how < HOWS; how++) {
        struct fixture fixture;
        const struct sam_record *record;
        struct seen seen;
        struct sam_reader *reader =
            begin_one(&fixture, how, sorted, sorted_data, sizeof sorted_data, &record);
        bool wanted[2] = {false, false};
        const size_t weight = pair_named(record, "a.weight");
        wanted[weight] = true;
        visit(reader, wanted, &seen);
        assert_true(seen.counts[weight] == 2 && seen.counts[1 - weight] == 0);
        assert_true(seen.perturbed[weight][1] == 4);
        end(reader, &fixture);
    }
}

static void a_file_is_visited_as_often_as_wanted(void **state)
{
    struct bytes bytes = {.size = 0};
    struct fixture fixture;
    struct sam_error error;
    const struct sam_record *record;
    struct seen seen;
    (void)state;
    add_record(&bytes, adjacent, adjacent_data, sizeof adjacent_data);
    add_record(&bytes, sorted, sorted_data, sizeof sorted_data);
    fixture_open(&fixture, &bytes, AS_FILE);
    struct sam_reader *reader = begin(&fixture, &record);
    assert_true(sam_reader_repeats(reader));
    visit(reader, NULL, &seen);
    assert_weight_and_bias(reader, record);
    assert_int_equal(sam_reader_next(reader, &record, &error), 1);
    assert_weight_and_bias(reader, record);
    visit(reader, NULL, &seen);
    assert_int_equal(sam_reader_next(reader, &record, &error), 0);
    end(reader, &fixture);

    fixture_open(&fixture, &bytes, AS_PIPE);
    reader = begin(&fixture, &record);
    assert_false(sam_reader_repeats(reader));
    end(reader, &fixture);
}

/* --- Tensors of several chunks ---------------------------------------------------------------- */

enum { LONG = 2 * SAM_READER_CHUNK + 3 };

static int check_long(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    uint64_t *next = context;
    const float *current = chunk->current, *perturbed = chunk->perturbed;
    (void)error;
    assert_int_equal(chunk->first, *next);
    for (size_t i = 0; i < chunk->count; i++) {
        assert_true(current[i] == (float)(*next + i));
        assert_true(perturbed[i] == -(float)(*next + i));
    }
    *next += chunk->count;
    return 0;
}

/* A record too large for a pipe to hold, so a file that is read directly and through cat. */
static void chunks_join_without_a_seam(void **state)
{
    char path[] = "/tmp/test_stream.XXXXXX", json[256], command[128];
    float *values = malloc(2 * LONG * sizeof *values);
    struct bytes head = {.size = 0};
    struct sam_error error;
    const struct sam_record *record;
    (void)state;
    for (int i = 0; i < LONG; i++) {
        values[i] = (float)i;
        values[LONG + i] = -(float)i;
    }
    snprintf(json, sizeof json,
             "{\"current/x\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]},"
             "\"perturbed/x\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%d,%d]}}",
             LONG, 4 * LONG, LONG, 4 * LONG, 8 * LONG);
    add_record(&head, json, NULL, 0);
    FILE *file = fdopen(mkstemp(path), "wb");
    assert_int_equal(fwrite(head.data, 1, head.size, file), head.size);
    assert_int_equal(fwrite(values, sizeof *values, 2 * LONG, file), 2 * LONG);
    fclose(file);
    snprintf(command, sizeof command, "cat %s", path);
    for (int piped = 0; piped < 2; piped++) {
        char name[64];
        uint64_t next = 0;
        FILE *pipe = piped ? popen(command, "r") : NULL;
        snprintf(name, sizeof name, "/dev/fd/%d", piped ? fileno(pipe) : -1);
        struct sam_reader *reader = sam_reader_new(piped ? name : path, &error);
        assert_non_null(reader);
        assert_int_equal(sam_reader_next(reader, &record, &error), 1);
        assert_int_equal(sam_reader_visit(reader, NULL, check_long, &next, &error), 0);
        assert_int_equal(next, LONG);
        sam_reader_free(reader);
        if (piped)
            pclose(pipe);
    }
    unlink(path);
    free(values);
}

static void standard_input_is_read_from_where_it_stands(void **state)
{
    struct bytes bytes = {.size = 0};
    struct fixture fixture;
    struct sam_error error;
    const struct sam_record *record;
    (void)state;
    add_bytes(&bytes, "skipped", 7);
    add_record(&bytes, adjacent, adjacent_data, sizeof adjacent_data);
    fixture_open(&fixture, &bytes, AS_FILE);
    const int kept = dup(STDIN_FILENO);
    assert_int_equal(lseek(fixture.descriptor, 7, SEEK_SET), 7);
    assert_int_equal(dup2(fixture.descriptor, STDIN_FILENO), STDIN_FILENO);
    struct sam_reader *reader = sam_reader_new("-", &error);
    assert_string_equal(sam_reader_name(reader), "standard input");
    assert_int_equal(sam_reader_next(reader, &record, &error), 1);
    assert_weight_and_bias(reader, record);
    assert_int_equal(sam_reader_next(reader, &record, &error), 0);
    sam_reader_free(reader);
    dup2(kept, STDIN_FILENO);
    close(kept);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts),
        cmocka_unit_test(perturbed_may_come_first),
        cmocka_unit_test(metadata_and_defaults),
        cmocka_unit_test(headers_alike),
        cmocka_unit_test(half_precision_comes_as_single),
        cmocka_unit_test(scalars_empty_tensors_and_strangers),
        cmocka_unit_test(class_records),
        cmocka_unit_test(only_wanted_pairs_are_visited),
        cmocka_unit_test(a_file_is_visited_as_often_as_wanted),
        cmocka_unit_test(chunks_join_without_a_seam),
        cmocka_unit_test(standard_input_is_read_from_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
