#include "train/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"

static const char FORMAT[] = "samscope state 2", ROWS_KEY[] = "rows";

/* The members of the state by name. Doubles are written so that they read back the same. */
static const struct field {
    const char *key;
    size_t offset;
    bool is_double;
} fields[] = {
#define COUNT(member)                                      \
    {                                                      \
#member, offsetof(struct sam_state, member), false \
    }
#define NUMBER(member)                                    \
    {                                                     \
#member, offsetof(struct sam_state, member), true \
    }
    COUNT(epoch),
    COUNT(epoch_step),
    COUNT(step),
    NUMBER(loss_sum),
    COUNT(correct),
    COUNT(images),
    NUMBER(gradient_norm),
    NUMBER(perturbed_gradient_norm),
    NUMBER(weight_norm),
    NUMBER(val_accuracy),
    NUMBER(test_loss),
    NUMBER(test_accuracy),
    COUNT(best_epoch),
    NUMBER(best_val_accuracy),
    NUMBER(best_test_loss),
    NUMBER(best_test_accuracy),
    COUNT(dump_bytes),
    COUNT(dump_tail),
    COUNT(fingerprint),
#undef COUNT
#undef NUMBER
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

struct sam_state sam_state_start(void)
{
    struct sam_state state = {.epoch = 1};
    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].is_double)
            *(double *)((char *)&state + fields[i].offset) = NAN;
    }
    state.loss_sum = 0;
    return state;
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* Appends an entry with copies of both texts; the list has room. */
static int append(struct sam_state_meta *meta, const char *prefix, const char *key,
                  const char *value, struct sam_error *error)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", prefix, key);
    struct sam_meta *entry = &meta->list[meta->count++];
    entry->key = sam_memory_string(name, error);
    entry->value = sam_memory_string(value, error);
    return entry->key && entry->value ? 0 : -1;
}

static int append_settings(struct sam_state_meta *meta, const struct sam_settings *settings,
                           struct sam_error *error)
{
    size_t count;
    const struct sam_setting *table = sam_settings_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (!(table[i].roles & SAM_SETTINGS_SAVED))
            continue;
        char *text = sam_settings_text(settings, i, error);
        const int status = text ? append(meta, "--", table[i].name, text, error) : -1;
        free(text);
        if (status)
            return -1;
    }
    return 0;
}

static int append_fields(struct sam_state_meta *meta, const struct sam_state *state,
                         struct sam_error *error)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const void *value = (const char *)state + fields[i].offset;
        char text[SAM_NUMBER_TEXT];
        if (fields[i].is_double)
            sam_number_text(*(const double *)value, text);
        else
            snprintf(text, sizeof text, "%" PRIu64, *(const uint64_t *)value);
        if (append(meta, "", fields[i].key, text, error))
            return -1;
    }
    return 0;
}

int sam_state_meta_init(struct sam_state_meta *meta, const struct sam_state *state,
                        const struct sam_settings *settings, const char *rows,
                        struct sam_error *error)
{
    size_t count;
    sam_settings_table(&count);
    *meta = (struct sam_state_meta){
        .list = sam_memory_new(count + FIELDS + 2, sizeof *meta->list, error)};
    if (!meta->list)
        return -1;
    if (append(meta, "", "format", FORMAT, error) || append_settings(meta, settings, error) ||
        append_fields(meta, state, error) || append(meta, "", ROWS_KEY, rows, error)) {
        sam_state_meta_free(meta);
        return -1;
    }
    return 0;
}

void sam_state_meta_free(struct sam_state_meta *meta)
{
    for (size_t i = 0; i < meta->count; i++) {
        free(meta->list[i].key);
        free(meta->list[i].value);
    }
    free(meta->list);
    *meta = (struct sam_state_meta){0};
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool read_field(const struct field *field, const char *text, struct sam_state *state)
{
    void *value = (char *)state + field->offset;
    char *end = NULL;
    struct sam_error why;
    if (!text)
        return false;
    if (!field->is_double)
        return sam_number_count(field->key, text, 0, UINT64_MAX, value, &why) == 0;
    *(double *)value = strtod(text, &end); /* NaN is a value here */
    return end != text && *end == '\0';
}

int sam_state_read(const struct sam_header *header, const char *path, struct sam_state *state,
                   struct sam_error *error)
{
    const char *format = sam_header_meta(header, "format");
    if (!format || strcmp(format, FORMAT) != 0)
        return sam_error_set(error, SAM_FAILED, "%s.state: format '%s', wanted '%s'", path,
                             format ? format : "", FORMAT);
    *state = (struct sam_state){0};
    for (size_t i = 0; i < FIELDS; i++) {
        const char *text = sam_header_meta(header, fields[i].key);
        if (!read_field(&fields[i], text, state))
            return sam_error_set(error, SAM_FAILED, "%s.state: %s is '%s', wanted a number", path,
                                 fields[i].key, text ? text : "missing");
    }
    return 0;
}

const char *sam_state_rows(const struct sam_header *header)
{
    return sam_header_meta(header, ROWS_KEY);
}

/* --- Settings --------------------------------------------------------------------------------- */

/* Kernels that are chosen at run time agree with any. */
static bool agree(const struct sam_setting *setting, const char *now, const char *saved)
{
    return strcmp(now, saved) == 0 ||
           (strcmp(setting->name, "kernels") == 0 && strcmp(now, "auto") == 0);
}

/* Whether a run whose rate does not depend on their number is to have more epochs. */
static bool is_longer(const struct sam_setting *setting, const struct sam_settings *settings,
                      const char *saved)
{
    return strcmp(setting->name, "epochs") == 0 && settings->schedule == SAM_SCHEDULE_CONSTANT &&
           settings->epochs > strtoull(saved, NULL, 10);
}

static int merge(const struct sam_setting *setting, size_t index, const char *saved,
                 const char *path, enum sam_state_merge how, struct sam_settings *settings,
                 struct sam_error *error)
{
    const bool given = sam_settings_given(settings, setting->offset);
    const bool result = (setting->roles & SAM_SETTINGS_RESULT) == SAM_SETTINGS_RESULT;
    const bool longer = given && is_longer(setting, settings, saved);
    const bool compare =
        result && !longer && (how == SAM_STATE_SAME || (how == SAM_STATE_FILL && given));
    char *now = sam_settings_text(settings, index, error);
    int status = now ? 0 : -1;
    if (now && compare && !agree(setting, now, saved))
        status =
            sam_error_set(error, SAM_USAGE, "--%s: '%s', but the checkpoint %s was made with '%s'",
                          setting->name, now, path, saved);
    else if (now && *saved && (compare || !given))
        status = sam_settings_adopt(settings, index, saved, error);
    free(now);
    return status;
}

int sam_state_merge(const struct sam_header *header, const char *path, enum sam_state_merge how,
                    struct sam_settings *settings, struct sam_error *error)
{
    size_t count;
    const struct sam_setting *table = sam_settings_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (!(table[i].roles & SAM_SETTINGS_SAVED))
            continue;
        char key[64];
        snprintf(key, sizeof key, "--%s", table[i].name);
        const char *saved = sam_header_meta(header, key);
        if (!saved)
            return sam_error_set(error, SAM_FAILED, "%s.state: no setting %s", path, key);
        if (merge(&table[i], i, saved, path, how, settings, error))
            return -1;
    }
    return 0;
}
