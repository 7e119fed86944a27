/* The writer, whole files of weights, .npy arrays, and files that appear whole. Oracles: records
 * and arrays built byte by byte; XXH3-64 as libxxhash has it for the whole data section. */
#include "stream_files.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/output.h"
#include "stream/npy.h"
#include "stream/weights.h"
#include "stream/writer.h"

static const size_t shape[2] = {2, 1};
static const float current[] = {1, 2, 3}, perturbed[] = {4, 5, 6};
static const struct sam_writer_parameter parameters[] = {{"a.weight", 2, shape, 0, 2},
                                                         {"b", 0, NULL, 2, 1}};

/* What a writer puts into memory, as a file that can be looked at. */
static FILE *memory(struct bytes *bytes)
{
    memset(bytes, 0, sizeof *bytes);
    FILE *file = fmemopen(bytes->data, sizeof bytes->data, "wb");
    assert_non_null(file);
    return file;
}

static void a_record_byte_by_byte(void **state)
{
    static const char json[] =
        "{\"__metadata__\":{\"step\":\"17\",\"rho\":\"0.1\",\"run\":\"a \\\"b\\\"\"},"
        "\"current/a.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
        "\"class/\\u00e9\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[8,9]}}";
    struct bytes got, wanted = {.size = 0};
    struct sam_error error;
    (void)state;
    FILE *file = memory(&got);
    struct sam_writer *writer = sam_writer_new(file, "memory", &error);
    assert_int_equal(sam_writer_meta(writer, "step", "17", &error), 0);
    assert_int_equal(sam_writer_meta(writer, "rho", "0.1", &error), 0);
    assert_int_equal(sam_writer_meta(writer, "run", "a \"b\"", &error), 0);
    assert_int_equal(sam_writer_tensor(writer, "current/a.weight", SAM_F32, 2, shape, &error), 0);
    assert_int_equal(sam_writer_tensor(writer, "class/\xc3\xa9", SAM_U8, 0, NULL, &error), 0);
    assert_int_equal(sam_writer_header(writer, &error), 0);
    assert_int_equal(sam_writer_data(writer, current, 4, &error), 0);
    assert_int_equal(sam_writer_data(writer, current + 1, 4, &error), 0);
    assert_int_equal(sam_writer_data(writer, "\3", 1, &error), 0);
    assert_int_equal(sam_writer_end(writer, &error), 0);
    got.size = (size_t)ftell(file);
    sam_writer_free(writer);
    fclose(file);

    /* jansson writes the letter as it is: two bytes where the literal above has six. */
    char text[sizeof json];
    strcpy(text, json);
    char *escape = strstr(text, "\\u00e9");
    memmove(escape + 2, escape + 6, strlen(escape + 6) + 1);
    memcpy(escape, "\xc3\xa9", 2);
    const size_t padding = 63 - (8 + strlen(text) + 63) % 64;
    add_length(&wanted, strlen(text) + padding);
    add_bytes(&wanted, text, strlen(text));
    for (size_t i = 0; i < padding; i++)
        add_bytes(&wanted, " ", 1);
    assert_int_equal(wanted.size % 64, 0);
    add_bytes(&wanted, current, 8);
    add_bytes(&wanted, "\3", 1);
    assert_int_equal(got.size, wanted.size);
    assert_memory_equal(got.data, wanted.data, wanted.size);
}

static void gradients_are_read_back(void **state)
{
    const struct sam_meta meta[] = {{(char *)"step", (char *)"5"}, {(char *)"epoch", (char *)"1"}};
    struct bytes bytes;
    struct fixture fixture;
    struct sam_error error;
    const struct sam_record *record;
    struct seen seen = {.last_pair = 0};
    char sum[17];
    (void)state;
    FILE *file = memory(&bytes);
    struct sam_writer *writer = sam_writer_new(file, "memory", &error);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sam_writer_gradients(writer, meta, 2, parameters, 2, current, perturbed,
                                              i == 1, &error),
                         0);
    bytes.size = (size_t)ftell(file);
    sam_writer_free(writer);
    fclose(file);

    fixture_open(&fixture, &bytes, AS_FILE);
    struct sam_reader *reader = sam_reader_new(fixture.path, &error);
    assert_int_equal(sam_reader_next(reader, &record, &error), 1);
    assert_null(sam_header_meta(record->header, "xxh3"));
    assert_int_equal(sam_reader_next(reader, &record, &error), 1);
    const float data[] = {1, 2, 4, 5, 3, 6};
    snprintf(sum, sizeof sum, "%016" PRIx64, (uint64_t)XXH3_64bits(data, sizeof data));
    assert_string_equal(sam_header_meta(record->header, "xxh3"), sum);
    assert_int_equal(record->step, 5);
    assert_int_equal(sam_reader_visit(reader, NULL, see, &seen, &error), 0);
    assert_true(seen.current[0][1] == 2 && seen.perturbed[0][1] == 5 && seen.current[1][0] == 3);
    assert_int_equal(sam_reader_next(reader, &record, &error), 0);
    sam_reader_free(reader);
    fixture_close(&fixture);
}

static void a_writer_refuses_what_readers_would(void **state)
{
    const size_t huge[] = {SIZE_MAX / 2, 4};
    struct bytes bytes;
    struct sam_error error;
    (void)state;
    FILE *file = memory(&bytes);
    struct sam_writer *writer = sam_writer_new(file, "memory", &error);
    assert_int_equal(sam_writer_tensor(writer, "a", SAM_F32, 2, shape, &error), 0);
    assert_int_equal(sam_writer_tensor(writer, "a", SAM_F32, 2, shape, &error), -1);
    assert_text_has(error.text, "memory: a tensor announced twice: 'a'");
    assert_int_equal(sam_writer_tensor(writer, "b", SAM_F32, 2, huge, &error), -1);
    assert_text_has(error.text, "too many bytes in tensor 'b'");
    assert_int_equal(sam_writer_tensor(writer, "\xff", SAM_F32, 2, shape, &error), -1);
    assert_text_has(error.text, "not UTF-8");
    assert_int_equal(sam_writer_meta(writer, "k", "\xff", &error), -1);
    assert_int_equal(sam_writer_meta(writer, "k", "v", &error), 0);
    assert_int_equal(sam_writer_meta(writer, "k", "v", &error), -1);
    assert_int_equal(sam_writer_end(writer, &error), -1);
    assert_int_equal(sam_writer_header(writer, &error), 0);
    assert_int_equal(sam_writer_data(writer, current, 12, &error), -1);
    assert_text_has(error.text, "wanted 8 in all");
    assert_int_equal(sam_writer_data(writer, current, 4, &error), 0);
    assert_int_equal(sam_writer_end(writer, &error), -1);
    assert_text_has(error.text, "ends after 4 bytes of data, wanted 8");
    sam_writer_free(writer);
    fclose(file);
}

static void a_full_disk(void **state)
{
    struct sam_error error;
    FILE *file = fopen("/dev/full", "wb");
    (void)state;
    assert_non_null(file);
    struct sam_writer *writer = sam_writer_new(file, "full", &error);
    assert_int_equal(
        sam_writer_gradients(writer, NULL, 0, parameters, 2, current, perturbed, 0, &error), -1);
    assert_text_has(error.text, "full: write failed: No space left on device");
    sam_writer_free(writer);
    fclose(file);
}

/* --- Weights ---------------------------------------------------------------------------------- */

static const char weights_json[] =
    "{\"half\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},"
    "\"byte\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[4,5]},"
    "\"double\":{\"dtype\":\"F64\",\"shape\":[1,2],\"data_offsets\":[5,21]},"
    "\"single\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[21,25]}}";

static void weights_bytes(struct bytes *bytes)
{
    const uint16_t halves[] = {0x3c00, 0xc000};
    const double doubles[] = {0.5, 1e300};
    const float single = -7;
    struct bytes data = {.size = 0};
    add_bytes(&data, halves, 4);
    add_bytes(&data, "\1", 1);
    add_bytes(&data, doubles, 16);
    add_bytes(&data, &single, 4);
    *bytes = (struct bytes){.size = 0};
    add_record(bytes, weights_json, data.data, data.size);
}

static void weights_are_held(void **state)
{
    struct bytes bytes;
    struct fixture fixture;
    struct sam_weights weights;
    struct sam_error error;
    float values[2];
    (void)state;
    weights_bytes(&bytes);
    fixture_open(&fixture, &bytes, AS_FILE);
    assert_int_equal(sam_weights_read(fixture.path, &weights, &error), 0);
    assert_int_equal(weights.xxh3, XXH3_64bits(bytes.data + bytes.size - 25, 25));
    assert_null(sam_weights_find(&weights, "none"));
    assert_int_equal(sam_weights_find(&weights, "double")->shape[1], 2);
    assert_int_equal(sam_weights_copy(&weights, "f", "half", 2, values, &error), 0);
    assert_true(values[0] == 1 && values[1] == -2);
    assert_int_equal(sam_weights_copy(&weights, "f", "double", 2, values, &error), 0);
    assert_true(values[0] == 0.5f && isinf(values[1]));
    assert_int_equal(sam_weights_copy(&weights, "f", "single", 1, values, &error), 0);
    assert_true(values[0] == -7);
    assert_int_equal(sam_weights_copy(&weights, "f", "none", 1, values, &error), -1);
    assert_text_has(error.text, "f: no tensor 'none'");
    assert_int_equal(sam_weights_copy(&weights, "f", "half", 3, values, &error), -1);
    assert_text_has(error.text, "f: tensor 'half' has 2 elements, wanted 3");
    assert_int_equal(sam_weights_copy(&weights, "f", "byte", 1, values, &error), -1);
    assert_text_has(error.text, "has dtype U8, wanted");
    sam_weights_free(&weights);
    fixture_close(&fixture);
}

static void weights_are_one_record(void **state)
{
    struct bytes bytes;
    (void)state;
    weights_bytes(&bytes);
    const size_t whole = bytes.size;
    add_bytes(&bytes, "x", 1);
    for (bytes.size = 0; bytes.size <= whole + 1; bytes.size++)
        for (enum how how = 0; how < HOWS; how++) {
            struct fixture fixture;
            struct sam_weights weights;
            struct sam_error error;
            fixture_open(&fixture, &bytes, how);
            const int status = sam_weights_read(fixture.path, &weights, &error);
            assert_int_equal(status, bytes.size == whole ? 0 : -1);
            if (status)
                assert_text_has(error.text, bytes.size == 0      ? "empty, wanted one record"
                                            : bytes.size > whole ? "bytes follow its end at byte"
                                                                 : "truncated");
            sam_weights_free(&weights);
            fixture_close(&fixture);
        }
}

/* --- .npy ------------------------------------------------------------------------------------- */

/* The parts of numpy.lib.format: magic string, version, length of the header, header. */
static void add_npy(struct bytes *bytes, int version, const char *header)
{
    const size_t length = strlen(header);
    const unsigned char little_endian[4] = {(unsigned char)length, (unsigned char)(length >> 8)};
    const unsigned char start[8] = {0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)version, 0};
    add_bytes(bytes, start, 8);
    add_bytes(bytes, little_endian, version == 1 ? 2 : 4);
    add_bytes(bytes, header, length);
}

static void npy_arrays(void **state)
{
    static const struct {
        int version;
        const char *header;
        enum sam_dtype dtype;
        int ndim;
        uint64_t count;
    } cases[] = {
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }     \n", SAM_F32, 2, 6},
        {2, "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }\n", SAM_F64, 1, 6},
        {3, "{'shape': (6,), 'fortran_order': True, 'descr': '<f2'}\n", SAM_F16, 1, 6},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", SAM_F32, 0, 1},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 0), }\n", SAM_F32, 2, 0},
    };
    const unsigned char data[48] = {1, 2, 3, 4, 5, 6, 7, 8};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t bytes_wanted = cases[i].count * sam_dtype_size(cases[i].dtype);
        struct bytes bytes = {.size = 0};
        struct fixture fixture;
        struct sam_npy npy;
        struct sam_error error;
        unsigned char got[48];
        add_npy(&bytes, cases[i].version, cases[i].header);
        add_bytes(&bytes, data, bytes_wanted);
        fixture_open(&fixture, &bytes, AS_PIPE);
        if (sam_npy_open(&npy, fixture.path, &error))
            fail_msg("%s", error.text);
        assert_int_equal(npy.dtype, cases[i].dtype);
        assert_int_equal(npy.ndim, cases[i].ndim);
        assert_int_equal(npy.count, cases[i].count);
        assert_int_equal(sam_npy_read(&npy, got, npy.count, &error), 0);
        assert_memory_equal(got, data, bytes_wanted);
        assert_int_equal(sam_npy_end(&npy, &error), 0);
        sam_npy_close(&npy);
        fixture_close(&fixture);
    }
}

static void npy_headers_refused(void **state)
{
    static const char *const headers[] = {
        "",
        "{",
        "{}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'other': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
    };
    struct sam_npy npy;
    struct sam_error error;
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct bytes bytes = {.size = 0};
        struct fixture fixture;
        add_npy(&bytes, 1, headers[i]);
        fixture_open(&fixture, &bytes, AS_PIPE);
        if (sam_npy_open(&npy, fixture.path, &error) == 0)
            fail_msg("%s was accepted", headers[i]);
        assert_text_has(error.text, "wanted 'descr'");
        fixture_close(&fixture);
    }
}

static void npy_faults(void **state)
{
    struct bytes bytes = {.size = 0};
    struct sam_npy npy;
    struct sam_error error;
    float values[3];
    (void)state;
    add_npy(&bytes, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n");
    add_bytes(&bytes, current, 8);
    const size_t whole = bytes.size;
    add_bytes(&bytes, "x", 1);
    for (bytes.size = 0; bytes.size <= whole + 1; bytes.size++) {
        struct fixture fixture;
        fixture_open(&fixture, &bytes, AS_FILE);
        int status = sam_npy_open(&npy, fixture.path, &error);
        if (status == 0)
            status = sam_npy_read(&npy, values, 2, &error) || sam_npy_end(&npy, &error) ? -1 : 0;
        assert_int_equal(status, bytes.size == whole ? 0 : -1);
        if (status)
            assert_text_has(error.text, bytes.size > whole ? "bytes follow" : "truncated");
        sam_npy_close(&npy);
        fixture_close(&fixture);
    }
}

/* --- Files that appear whole ------------------------------------------------------------------ */

static void assert_content(const char *path, const char *wanted)
{
    char got[64] = "";
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    got[fread(got, 1, sizeof got - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(got, wanted);
}

static void output_replaces_at_the_end(void **state)
{
    char folder[] = "/tmp/test_stream.XXXXXX", path[64], link[64];
    struct sam_output output;
    struct sam_error error;
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/out", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(symlink("out", link), 0);

    assert_int_equal(sam_output_open(&output, path, &error), 0);
    fputs("first", output.file);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(sam_output_commit(&output, &error), 0);
    assert_content(path, "first");

    assert_int_equal(sam_output_open(&output, link, &error), 0);
    fputs("second", output.file);
    sam_output_discard(&output);
    assert_content(path, "first");

    assert_int_equal(sam_output_open(&output, link, &error), 0);
    fputs("third", output.file);
    assert_int_equal(sam_output_commit(&output, &error), 0);
    assert_content(path, "third");
    struct stat status;
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));

    assert_int_equal(unlink(link) || unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary file is left */
}

static void output_says_what_failed(void **state)
{
    struct sam_output output;
    struct sam_error error;
    (void)state;
    assert_int_equal(sam_output_open(&output, "/no/such/folder/out", &error), -1);
    assert_text_has(error.text, "/no/such/folder/out: cannot be created: No such file");
    assert_int_equal(sam_output_open(&output, "/dev/full", &error), 0);
    fputs("x", output.file);
    assert_int_equal(sam_output_commit(&output, &error), -1);
    assert_text_has(error.text, "/dev/full: write failed: No space left");
    assert_int_equal(access("/dev/full", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_byte_by_byte),
        cmocka_unit_test(gradients_are_read_back),
        cmocka_unit_test(a_writer_refuses_what_readers_would),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(weights_are_held),
        cmocka_unit_test(weights_are_one_record),
        cmocka_unit_test(npy_arrays),
        cmocka_unit_test(npy_headers_refused),
        cmocka_unit_test(npy_faults),
        cmocka_unit_test(output_replaces_at_the_end),
        cmocka_unit_test(output_says_what_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
