/* The reader on streams that are not in order: each fault is refused with its place, what was seen
 * and what was wanted; no byte cut off and no bit turned ends in anything but a right answer or an
 * error. Oracle: the table below. */
#include "stream_files.h"

/* One pair of two floats; the tests change one thing of it. */
#define CURRENT "\"current/x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define PERTURBED "\"perturbed/x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}"
static const char intact[] = "{" CURRENT "," PERTURBED "}";
static const float data[] = {1, 2, 3, 4};

static void assert_bytes_refused(const struct bytes *bytes, const char *wanted)
{
    for (enum how how = 0; how < HOWS; how++) {
        struct fixture fixture;
        struct sam_error error = {.text = ""};
        fixture_open(&fixture, bytes, how);
        assert_int_equal(read_all(fixture.path, &error), -1);
        assert_int_equal(error.status, SAM_FAILED);
        assert_text_has(error.text, fixture.path);
        assert_text_has(error.text, wanted);
        fixture_close(&fixture);
    }
}

/* A header is refused as the second record of a stream, after one in order. */
static void assert_header_refused(const char *json, const char *wanted)
{
    struct bytes bytes = {.size = 0};
    char place[64];
    add_record(&bytes, intact, data, sizeof data);
    snprintf(place, sizeof place, "record 2 at byte %zu: ", bytes.size);
    add_record(&bytes, json, data, sizeof data);
    assert_bytes_refused(&bytes, place);
    assert_bytes_refused(&bytes, wanted);
}

static void headers(void **state)
{
    static const struct {
        const char *json, *wanted;
    } cases[] = {
        {"[]", "wanted '{'"},
        {" {" CURRENT "," PERTURBED "}", "wanted '{'"},
        {"{" CURRENT "," PERTURBED, "not JSON at its byte"},
        {"{" CURRENT "," PERTURBED "}x", "not JSON at its byte"},
        {"{" CURRENT "," CURRENT "," PERTURBED "}", "duplicate"},
        {"{\"current/x\":1}", "'current/x': its entry is no JSON object"},
        {"{\"current/x\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "no dtype"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "no shape"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"shape\":[2]}}", "no data_offsets"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}}",
         "no data_offsets"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}",
         "no integer below 2^63"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
         "is -2, wanted 0 or more"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
         "[8, 0], wanted BEGIN <= END"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
         "8 bytes by its data_offsets, wanted 12 by its shape and dtype F32"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
         "\"data_offsets\":[0,8]}}",
         "product of the shape overflows"},
        {"{\"current/x\":{\"dtype\":\"F64\",\"shape\":[4294967296,1073741824],"
         "\"data_offsets\":[0,8]}}",
         "8 bytes overflow"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2],"
         "\"data_offsets\":[0,8]}}",
         "17 dimensions, wanted at most 16"},
        {"{\"current/x\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],"
         "\"data_offsets\":[0,8]}}",
         "too big integer"},
        {"{" CURRENT ",\"perturbed/x\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[4,12]}}",
         "'perturbed/x': its data begin at byte 4, wanted 8: they overlap"},
        {"{" CURRENT ",\"perturbed/x\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[12,20]}}",
         "'perturbed/x': its data begin at byte 12, wanted 8: a hole"},
        {"{\"__metadata__\":7," CURRENT "," PERTURBED "}", "__metadata__ is no JSON object"},
        {"{\"__metadata__\":{\"step\":7}," CURRENT "," PERTURBED "}",
         "the value of 'step' is no string"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_header_refused(cases[i].json, cases[i].wanted);
}

static void parameters(void **state)
{
    static const struct {
        const char *json, *wanted;
    } cases[] = {
        {"{}", "no parameters"},
        {"{\"weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "no parameters"},
        {"{" CURRENT "}", "'current/x' without its partner, wanted 'perturbed/x'"},
        {"{\"perturbed/x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "'perturbed/x' without its partner, wanted 'current/x'"},
        {"{" CURRENT ",\"perturbed/x\":{\"dtype\":\"F32\",\"shape\":[2,1],"
         "\"data_offsets\":[8,16]}}",
         "'perturbed/x' has shape (2, 1), wanted (2) as 'current/x' has"},
        {"{" CURRENT ",\"perturbed/x\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[8,12]}}",
         "'perturbed/x' has dtype F16, wanted F32"},
        {"{\"current/x\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}," PERTURBED "}",
         "'current/x': dtype I32, wanted F64, F32, F16 or BF16"},
        {"{\"class/x\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
         "'class/x': dtype I8, wanted U8"},
        {"{" CURRENT "," PERTURBED
         ",\"class/y\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[16,16]}}",
         "wanted gradients or classes, not both"},
        {"{" CURRENT ",\"class/x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[8,8]}}",
         "'current/x' without its partner, wanted 'perturbed/x'"},
        {"{\"__metadata__\":{\"step\":\"1e3\"}," CURRENT "," PERTURBED "}",
         "metadata step: '1e3', wanted a whole number"},
        {"{\"__metadata__\":{\"epoch\":\"-1\"}," CURRENT "," PERTURBED "}",
         "metadata epoch: '-1', wanted a whole number"},
        {"{\"__metadata__\":{\"xxh3\":\"12\"}," CURRENT "," PERTURBED "}",
         "metadata xxh3 is '12', wanted 16 hexadecimal digits"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_header_refused(cases[i].json, cases[i].wanted);
}

static void header_lengths(void **state)
{
    const uint64_t lengths[] = {0, 1, 100000001, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct bytes bytes = {.size = 0};
        add_length(&bytes, lengths[i]);
        add_bytes(&bytes, intact, strlen(intact));
        assert_bytes_refused(&bytes, "wanted 2 to 100000000");
    }
    struct bytes bytes = {.size = 0};
    add_length(&bytes, 100000000); /* allowed, but not there */
    add_bytes(&bytes, intact, strlen(intact));
    assert_bytes_refused(&bytes, "in the header, wanted 100000008");
}

static void no_record(void **state)
{
    struct bytes bytes = {.size = 0};
    struct sam_error error;
    (void)state;
    assert_bytes_refused(&bytes, "empty, wanted at least one record");
    assert_int_equal(read_all("/tmp", &error), -1);
    assert_text_has(error.text, "Is a directory");
    assert_int_equal(read_all("/tmp/no such file", &error), -1);
    assert_text_has(error.text, "/tmp/no such file: cannot be opened");
}

/* --- Every truncation, every bit -------------------------------------------------------------- */

/* XXH3-64 of `data`, by libxxhash's one call for all bytes (XXH3_64bits()). */
#define CHECKED "{\"__metadata__\":{\"xxh3\":\"a82f522ec4510db4\"}," CURRENT "," PERTURBED "}"

/* Two records, one without and one with a checksum. The tensors of the second are not parsed. */
#define UNCHECKED "{\"__metadata__\":{\"step\":\"3\"}," CURRENT "," PERTURBED "}"
static void two_records(struct bytes *bytes, size_t *boundary)
{
    *bytes = (struct bytes){.size = 0};
    add_record(bytes, UNCHECKED, data, sizeof data);
    *boundary = bytes->size;
    add_record(bytes, CHECKED, data, sizeof data);
}

/* Reads without visiting any. */
static int pass_all(const char *path, struct sam_error *error)
{
    const struct sam_record *record;
    int more = -1, records = 0;
    struct sam_reader *reader = sam_reader_new(path, error);
    while (reader && (more = sam_reader_next(reader, &record, error)) == 1)
        records++;
    sam_reader_free(reader);
    return more < 0 ? -1 : records;
}

static void every_truncation(void **state)
{
    struct bytes bytes;
    size_t boundary;
    struct sam_error error;
    (void)state;
    two_records(&bytes, &boundary);
    const size_t whole = bytes.size;
    for (enum how how = 0; how < HOWS; how++)
        for (bytes.size = 1; bytes.size <= whole; bytes.size++) {
            const int wanted = bytes.size == whole ? 2 : bytes.size == boundary ? 1 : -1;
            for (int visited = 0; visited < 2; visited++) {
                struct fixture fixture;
                fixture_open(&fixture, &bytes, how);
                const int got =
                    visited ? read_all(fixture.path, &error) : pass_all(fixture.path, &error);
                if (got != wanted)
                    fail_msg("%zu bytes: %d, wanted %d (%s)", bytes.size, got, wanted, error.text);
                if (got < 0)
                    assert_text_has(error.text, "truncated");
                fixture_close(&fixture);
            }
        }
}

static void every_bit(void **state)
{
    struct bytes bytes;
    size_t boundary;
    struct sam_error error;
    (void)state;
    two_records(&bytes, &boundary);
    for (enum how how = 0; how < HOWS; how++)
        for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
            struct fixture fixture;
            bytes.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            fixture_open(&fixture, &bytes, how);
            const int got = read_all(fixture.path, &error);
            assert_true(got == -1 || got == 2);
            if (bit / 8 >= bytes.size - sizeof data) { /* what the checksum guards */
                assert_int_equal(got, -1);
                assert_text_has(error.text, "XXH3-64 of the data is");
            }
            fixture_close(&fixture);
            bytes.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
}

static void a_record_passed_over_is_checked(void **state)
{
    struct bytes bytes;
    size_t boundary;
    (void)state;
    two_records(&bytes, &boundary);
    bytes.data[bytes.size - 1] ^= 1;
    add_record(&bytes, intact, data, sizeof data);
    for (enum how how = 0; how < HOWS; how++) {
        struct fixture fixture;
        struct sam_error error;
        fixture_open(&fixture, &bytes, how);
        assert_int_equal(pass_all(fixture.path, &error), -1);
        assert_text_has(error.text, "record 2 at byte");
        assert_text_has(error.text, "wanted a82f522ec4510db4");
        fixture_close(&fixture);
    }
}

static void a_file_that_shrinks(void **state)
{
    struct bytes bytes = {.size = 0};
    struct fixture fixture;
    struct sam_error error;
    const struct sam_record *record;
    struct seen seen = {.last_pair = 0};
    (void)state;
    add_record(&bytes, intact, data, sizeof data);
    fixture_open(&fixture, &bytes, AS_FILE);
    struct sam_reader *reader = sam_reader_new(fixture.path, &error);
    assert_int_equal(sam_reader_next(reader, &record, &error), 1);
    assert_int_equal(ftruncate(fixture.descriptor, (off_t)bytes.size - 3), 0);
    assert_int_equal(sam_reader_visit(reader, NULL, see, &seen, &error), -1);
    assert_text_has(error.text, "truncated: ends at byte");
    sam_reader_free(reader);
    fixture_close(&fixture);
}

static int stop(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    (void)context;
    (void)chunk;
    return sam_error_set(error, SAM_DIVERGED, "stopped");
}

static void a_visitor_can_stop(void **state)
{
    struct bytes bytes = {.size = 0};
    struct fixture fixture;
    struct sam_error error;
    const struct sam_record *record;
    (void)state;
    add_record(&bytes, intact, data, sizeof data);
    fixture_open(&fixture, &bytes, AS_PIPE);
    struct sam_reader *reader = sam_reader_new(fixture.path, &error);
    assert_int_equal(sam_reader_next(reader, &record, &error), 1);
    assert_int_equal(sam_reader_visit(reader, NULL, stop, NULL, &error), -1);
    assert_string_equal(error.text, "stopped");
    assert_int_equal(error.status, SAM_DIVERGED);
    sam_reader_free(reader);
    fixture_close(&fixture);
}

/* A header that promises more than there is memory: an error, also on a pipe, where the first
 * tensor must be held. 2^60 - 1 floats twice: the most that offsets below 2^63 allow. */
static void a_tensor_larger_than_memory(void **state)
{
    static const char json[] = "{\"current/x\":{\"dtype\":\"F32\",\"shape\":[1152921504606846975],"
                               "\"data_offsets\":[0,4611686018427387900]},"
                               "\"perturbed/x\":{\"dtype\":\"F32\",\"shape\":[1152921504606846975],"
                               "\"data_offsets\":[4611686018427387900,9223372036854775800]}}";
    static const char *const wanted[HOWS] = {"truncated", "record 1 at byte 0: out of memory"};
    struct bytes bytes = {.size = 0};
    (void)state;
    add_record(&bytes, json, data, sizeof data);
    for (enum how how = 0; how < HOWS; how++) {
        struct fixture fixture;
        struct sam_error error;
        fixture_open(&fixture, &bytes, how);
        assert_int_equal(read_all(fixture.path, &error), -1);
        assert_text_has(error.text, wanted[how]);
        fixture_close(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(parameters),
        cmocka_unit_test(header_lengths),
        cmocka_unit_test(no_record),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_bit),
        cmocka_unit_test(a_record_passed_over_is_checked),
        cmocka_unit_test(a_file_that_shrinks),
        cmocka_unit_test(a_visitor_can_stop),
        cmocka_unit_test(a_tensor_larger_than_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
