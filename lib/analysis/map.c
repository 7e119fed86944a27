#include "analysis/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int sam_map_open(struct sam_map *map, const char *path, struct sam_error *error)
{
    *map = (struct sam_map){0};
    if (sam_output_open(&map->output, path, error))
        return -1;
    map->writer = sam_writer_new(map->output.file, map->output.path, error);
    if (map->writer)
        return 0;
    sam_map_free(map);
    return -1;
}

static int announce(struct sam_map *map, const struct sam_pair *pair, struct sam_error *error)
{
    size_t shape[SAM_SAFETENSORS_MAX_DIMS];
    for (int i = 0; i < pair->ndim; i++)
        shape[i] = pair->shape[i];
    const size_t size = sizeof "class/" + strlen(pair->name);
    char *name = sam_memory_new(size, 1, error);
    if (!name)
        return -1;
    snprintf(name, size, "class/%s", pair->name);
    const int status = sam_writer_tensor(map->writer, name, SAM_U8, pair->ndim, shape, error);
    free(name);
    return status;
}

int sam_map_begin(struct sam_map *map, const struct sam_input *input, struct sam_error *error)
{
    const struct sam_header *header = input->record->header;
    for (size_t i = 0; i < header->meta_count; i++)
        if (strcmp(header->meta[i].key, "xxh3") != 0 &&
            sam_writer_meta(map->writer, header->meta[i].key, header->meta[i].value, error))
            return -1;
    for (size_t i = 0; i < input->record->pair_count; i++)
        if (input->group_of[i] != SAM_INPUT_UNWANTED &&
            announce(map, &input->record->pairs[i], error))
            return -1;
    if (sam_header_meta(header, "xxh3") && sam_writer_checksum(map->writer, error))
        return -1;
    return sam_writer_header(map->writer, error);
}

int sam_map_write(struct sam_map *map, const uint8_t *classes, size_t count,
                  struct sam_error *error)
{
    return sam_writer_data(map->writer, classes, count, error);
}

int sam_map_end(struct sam_map *map, struct sam_error *error)
{
    return sam_writer_end(map->writer, error);
}

int sam_map_close(struct sam_map *map, struct sam_error *error)
{
    const int status = sam_output_commit(&map->output, error);
    sam_map_free(map);
    return status;
}

void sam_map_free(struct sam_map *map)
{
    sam_writer_free(map->writer);
    sam_output_discard(&map->output);
    *map = (struct sam_map){0};
}
