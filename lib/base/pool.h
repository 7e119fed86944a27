/* pool - a fixed set of threads that work through numbered jobs.
 *
 * Determinism is by contract: a caller cuts its work into jobs by the problem, never by the number
 * of threads; a job's result depends on its number alone; sums over jobs are taken by the caller in
 * the order of the numbers. Then results are the same bytes for any number of threads. */
#ifndef SAM_BASE_POOL_H
#define SAM_BASE_POOL_H

#include <stddef.h>

#include "base/error.h"

struct sam_pool;

/* A job: `context` as given to sam_pool_run(), the job's number, and the worker (0 .. threads-1)
 * that runs it, for scratch memory; a result must not depend on the worker. */
typedef void sam_pool_job(void *context, size_t job, int worker);

/* A pool of `threads` >= 1 workers; the caller of sam_pool_run() is one of them. The others take no
 * signals but SIGPIPE, SIGXFSZ and SIGBUS. */
struct sam_pool *sam_pool_new(int threads, struct sam_error *error);
void sam_pool_free(struct sam_pool *pool);
int sam_pool_threads(const struct sam_pool *pool);

/* Runs jobs 0 .. jobs-1, each once, in any order, and returns when all have ended and every worker
 * has looked whether one is left: a worker that others keep from its processor delays the return.
 * Not reentrant: a job must not call it, and one thread at a time may; nor may a child after
 * fork(), which has no workers. */
void sam_pool_run(struct sam_pool *pool, size_t jobs, sam_pool_job *work, void *context);

/* The same of several tasks that do not depend on each other. A worker turns to a task when no job
 * of an earlier one is left to begin: small jobs of a later task fill the time in which others
 * still work at large ones. */
struct sam_pool_task {
    size_t jobs;
    sam_pool_job *work;
    void *context;
};
enum { SAM_POOL_TASKS = 4 }; /* at most */
void sam_pool_run_tasks(struct sam_pool *pool, const struct sam_pool_task *tasks, int count);

/* The number of processors this process may run on; at least 1. */
int sam_pool_processors(void);

#endif
