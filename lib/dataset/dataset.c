#include "dataset/dataset.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "dataset/cifar.h"
#include "dataset/idx.h"

static int read_fashion_mnist(const char *folder, struct sam_dataset *dataset,
                              struct sam_error *error)
{
    if (sam_idx_read(folder, "train", dataset->classes, &dataset->train, error))
        return -1;
    return sam_idx_read(folder, "t10k", dataset->classes, &dataset->test, error);
}

static int read_cifar10(const char *folder, struct sam_dataset *dataset, struct sam_error *error)
{
    if (sam_cifar_read_batches(folder, &dataset->train, error))
        return -1;
    return sam_cifar_read(folder, "test_batch.bin", SAM_CIFAR_10, &dataset->test, error);
}

static int read_cifar100(const char *folder, struct sam_dataset *dataset, struct sam_error *error)
{
    if (sam_cifar_read(folder, "train.bin", SAM_CIFAR_100, &dataset->train, error))
        return -1;
    return sam_cifar_read(folder, "test.bin", SAM_CIFAR_100, &dataset->test, error);
}

static const char *const names[] = {"fashion-mnist", "cifar10", "cifar100", NULL};

/* In the order of `names`. Mean and standard deviation are those of all training pixels:
 * Fashion-MNIST's of the 28x28 images, without the black field around them (computed from the files
 * of Debian's package; the values in common use); CIFAR-10's the values in common use, which the
 * training batches give; CIFAR-100's as the notes' protocol has them. */
static const struct set {
    const char *default_folder;
    struct sam_dataset empty;
    int (*read)(const char *folder, struct sam_dataset *dataset, struct sam_error *error);
} sets[] = {
    {
        .default_folder = "/usr/share/datasets/fashion-mnist",
        .empty = {.channels = 1, .classes = 10, .mean = {0.2860f}, .sd = {0.3530f}},
        .read = read_fashion_mnist,
    },
    {
        .empty = {.channels = 3,
                  .classes = 10,
                  .mean = {0.4914f, 0.4822f, 0.4465f},
                  .sd = {0.2470f, 0.2435f, 0.2616f}},
        .read = read_cifar10,
    },
    {
        .empty = {.channels = 3,
                  .classes = 100,
                  .mean = {0.5071f, 0.4865f, 0.4409f},
                  .sd = {0.2673f, 0.2564f, 0.2762f}},
        .read = read_cifar100,
    },
};

_Static_assert(sizeof sets / sizeof *sets + 1 == sizeof names / sizeof *names, "a set, a name");

static const struct set *find(const char *name)
{
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return &sets[i];
    return NULL;
}

static int refuse_name(const char *name, struct sam_error *error)
{
    char wanted[128] = "";
    for (size_t i = 0; names[i]; i++) {
        const size_t length = strlen(wanted);
        snprintf(wanted + length, sizeof wanted - length, i ? ", %s" : "%s", names[i]);
    }
    return sam_error_set(error, SAM_USAGE, "dataset '%s', wanted one of: %s", name, wanted);
}

const char *sam_dataset_default_folder(const char *name)
{
    const struct set *set = find(name);
    return set ? set->default_folder : NULL;
}

int sam_dataset_shape(const char *name, int *channels, int *classes, struct sam_error *error)
{
    const struct set *set = find(name);
    if (!set)
        return refuse_name(name, error);
    *channels = set->empty.channels;
    *classes = set->empty.classes;
    return 0;
}

int sam_dataset_load(const char *name, const char *folder, struct sam_dataset *dataset,
                     struct sam_error *error)
{
    const struct set *set = find(name);
    if (!set)
        return refuse_name(name, error);
    *dataset = set->empty;
    if (set->read(folder, dataset, error)) {
        sam_dataset_free(dataset);
        return -1;
    }
    return 0;
}

void sam_dataset_free(struct sam_dataset *dataset)
{
    sam_images_free(&dataset->train);
    sam_images_free(&dataset->test);
}
