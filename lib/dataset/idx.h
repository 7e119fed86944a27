/* idx - the IDX files of MNIST and Fashion-MNIST, gzip-compressed or plain.
 *
 * Big-endian: a 32-bit magic number (0x0800, bytes, plus the number of dimensions), a 32-bit size
 * for each dimension, then the elements. Images have the dimensions (N, 28, 28), labels (N).
 * Source: Y. LeCun, C. Cortes, C. J. C. Burges, http://yann.lecun.com/exdb/mnist/. */
#ifndef SAM_DATASET_IDX_H
#define SAM_DATASET_IDX_H

#include "base/error.h"
#include "dataset/images.h"

/* Reads the images of folder/PART-images-idx3-ubyte and the labels of
 * folder/PART-labels-idx1-ubyte, each with or without ".gz", into the empty list `images` (one
 * channel), every image in the middle of a black field of 32x32; -1 as sam_dataset_load() says. The
 * caller frees the list, after a failure too. */
int sam_idx_read(const char *folder, const char *part, int classes, struct sam_images *images,
                 struct sam_error *error);

#endif
