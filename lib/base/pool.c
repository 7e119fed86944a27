#define _GNU_SOURCE /* sched_getaffinity */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"

/* A worker looks this often for the next region before it sleeps: about 20 microseconds, less than
 * a sleep and a wake-up cost, and too short to matter to another process on the same core. */
enum { SPINS = 2000 };

struct sam_pool {
    int threads;
    sam_pool_job *work;
    void *context;
    atomic_uint generation; /* counts regions; a change starts the workers */
    atomic_int busy;        /* workers that have not finished the region */
    bool ending;
    pthread_mutex_t mutex;
    pthread_cond_t started, finished;
    struct worker {
        struct sam_pool *pool;
        pthread_t thread;
        int number;
        /* The jobs that are its own: those not handed out yet, and where they end. */
        alignas(SAM_MEMORY_ALIGNMENT) atomic_size_t next;
        size_t end;
    } worker[];
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Each worker begins with the jobs that are its own, which are the same from region to region: what
 * it wrote in the one may still be in its cache in the next. Then it helps the others. */
static void drain(struct sam_pool *pool, int worker)
{
    for (int i = 0; i < pool->threads; i++) {
        struct worker *owner = &pool->worker[(worker + i) % pool->threads];
        size_t job;
        while ((job = atomic_fetch_add_explicit(&owner->next, 1, memory_order_relaxed)) <
               owner->end)
            pool->work(pool->context, job, worker);
    }
}

static void share_out(struct sam_pool *pool, size_t jobs)
{
    const size_t threads = (size_t)pool->threads;
    for (size_t i = 0; i < threads; i++) {
        atomic_store_explicit(&pool->worker[i].next, jobs * i / threads, memory_order_relaxed);
        pool->worker[i].end = jobs * (i + 1) / threads;
    }
}

static void await_generation(struct sam_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen)
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load(&pool->generation) == seen)
        pthread_cond_wait(&pool->started, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    struct sam_pool *pool = self->pool;
    for (unsigned seen = 0;; seen++) {
        await_generation(pool, seen);
        if (pool->ending)
            return NULL;
        drain(pool, self->number);
        if (atomic_fetch_sub(&pool->busy, 1) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

static void start_region(struct sam_pool *pool)
{
    atomic_store(&pool->busy, pool->threads - 1);
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->generation, 1);
    pthread_cond_broadcast(&pool->started);
    pthread_mutex_unlock(&pool->mutex);
}

static void await_workers(struct sam_pool *pool)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->busy, memory_order_acquire) == 0)
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load(&pool->busy) != 0)
        pthread_cond_wait(&pool->finished, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

void sam_pool_run(struct sam_pool *pool, size_t jobs, sam_pool_job *work, void *context)
{
    pool->work = work;
    pool->context = context;
    share_out(pool, jobs);
    const bool alone = pool->threads == 1 || jobs < 2;
    if (!alone)
        start_region(pool);
    drain(pool, 0);
    if (!alone)
        await_workers(pool);
}

struct sam_pool *sam_pool_new(int threads, struct sam_error *error)
{
    struct sam_pool *pool =
        sam_memory_new(1, sizeof *pool + (size_t)threads * sizeof pool->worker[0], error);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->started, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->threads = 1;
    for (int i = 1; i < threads; i++) {
        struct worker *worker = &pool->worker[i];
        *worker = (struct worker){.pool = pool, .number = i};
        if (pthread_create(&worker->thread, NULL, worker_main, worker)) {
            sam_error_set(error, SAM_FAILED, "cannot start thread %d of %d", i + 1, threads);
            sam_pool_free(pool);
            return NULL;
        }
        pool->threads++;
    }
    return pool;
}

void sam_pool_free(struct sam_pool *pool)
{
    if (!pool)
        return;
    pool->ending = true;
    start_region(pool);
    for (int i = 1; i < pool->threads; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->started);
    pthread_cond_destroy(&pool->finished);
    free(pool);
}

int sam_pool_threads(const struct sam_pool *pool)
{
    return pool->threads;
}

int sam_pool_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
    return 1;
}
