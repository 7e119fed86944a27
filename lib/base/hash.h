/* hash - XXH3-64, by the widest vectors of the machine: the functions that xxhash.h alone declares
 * were compiled for those that all machines have. The same sums, in less time.
 *
 * Source: Y. Collet, https://github.com/Cyan4973/xxHash (doc/xxhash_spec.md). */
#ifndef SAM_BASE_HASH_H
#define SAM_BASE_HASH_H

#include <xxhash.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#endif

#endif
