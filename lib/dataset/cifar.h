/* cifar - the binary format of CIFAR-10 and CIFAR-100.
 *
 * A file is any whole number of records; a record is the label bytes (CIFAR-10: the class;
 * CIFAR-100: the superclass of 0..19, "coarse", then the class, "fine") and 3072 pixels: the red,
 * the green and the blue plane, row by row.
 * Source: A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html, "binary version". */
#ifndef SAM_DATASET_CIFAR_H
#define SAM_DATASET_CIFAR_H

#include "base/error.h"
#include "dataset/images.h"

enum sam_cifar { SAM_CIFAR_10, SAM_CIFAR_100 };

/* Reads folder/name into the empty list `images`; -1 as sam_dataset_load() says. The caller frees
 * the list, after a failure too. */
int sam_cifar_read(const char *folder, const char *name, enum sam_cifar format,
                   struct sam_images *images, struct sam_error *error);

/* The same for CIFAR-10's training images: folder/data_batch_N.bin in the order of the numbers, as
 * many as there are, at least one. */
int sam_cifar_read_batches(const char *folder, struct sam_images *images, struct sam_error *error);

#endif
