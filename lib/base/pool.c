#define _GNU_SOURCE /* sched_getaffinity */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"

/* Who waits looks so often before it sleeps: first without leaving the core, about 20 microseconds,
 * less than a sleep and a wake-up cost; then giving way, each time, to whoever else wants it. */
enum { SPINS = 2000, YIELDS = 400 };

/* A count of regions, and who sleeps until it changes. */
struct count {
    atomic_uint value;
    pthread_cond_t changed;
};

struct sam_pool {
    int threads;
    const struct sam_pool_task *tasks;
    int task_count;
    struct count begun, ended; /* regions that workers take part in */
    atomic_int busy;           /* workers that have not finished the region */
    bool ending;
    pthread_mutex_t mutex;
    struct worker {
        struct sam_pool *pool;
        pthread_t thread;
        int number;
        /* The jobs of each task that are its own: those not handed out yet, and where they end. */
        alignas(SAM_MEMORY_ALIGNMENT) struct share {
            atomic_size_t next;
            size_t end;
        } share[SAM_POOL_TASKS];
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
static void drain_task(struct sam_pool *pool, int number, int worker)
{
    const struct sam_pool_task *task = &pool->tasks[number];
    for (int i = 0; i < pool->threads; i++) {
        struct share *share = &pool->worker[(worker + i) % pool->threads].share[number];
        size_t job;
        while ((job = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed)) <
               share->end)
            task->work(task->context, job, worker);
    }
}

static void drain(struct sam_pool *pool, int worker)
{
    for (int i = 0; i < pool->task_count; i++)
        drain_task(pool, i, worker);
}

/* Returns the number of jobs. */
static size_t share_out(struct sam_pool *pool)
{
    const size_t threads = (size_t)pool->threads;
    size_t sum = 0;
    for (int number = 0; number < pool->task_count; number++) {
        const size_t jobs = pool->tasks[number].jobs;
        for (size_t i = 0; i < threads; i++) {
            struct share *share = &pool->worker[i].share[number];
            atomic_store_explicit(&share->next, jobs * i / threads, memory_order_relaxed);
            share->end = jobs * (i + 1) / threads;
        }
        sum += jobs;
    }
    return sum;
}

static bool has_changed(const struct count *count, unsigned seen)
{
    return atomic_load_explicit(&count->value, memory_order_acquire) != seen;
}

static void await_change(struct sam_pool *pool, struct count *count, unsigned seen)
{
    for (int i = 0; i < SPINS + YIELDS; i++) {
        if (has_changed(count, seen))
            return;
        if (i < SPINS)
            relax();
        else
            sched_yield();
    }
    pthread_mutex_lock(&pool->mutex);
    while (!has_changed(count, seen))
        pthread_cond_wait(&count->changed, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

static void change(struct sam_pool *pool, struct count *count)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&count->value, 1);
    pthread_cond_broadcast(&count->changed);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    struct sam_pool *pool = self->pool;
    for (unsigned seen = 0;; seen++) {
        await_change(pool, &pool->begun, seen);
        if (pool->ending)
            return NULL;
        drain(pool, self->number);
        if (atomic_fetch_sub(&pool->busy, 1) == 1)
            change(pool, &pool->ended);
    }
}

static void run_together(struct sam_pool *pool)
{
    const unsigned ended = atomic_load(&pool->ended.value);
    atomic_store(&pool->busy, pool->threads - 1);
    change(pool, &pool->begun);
    drain(pool, 0);
    await_change(pool, &pool->ended, ended);
}

void sam_pool_run_tasks(struct sam_pool *pool, const struct sam_pool_task *tasks, int count)
{
    pool->tasks = tasks;
    pool->task_count = count;
    const size_t jobs = share_out(pool);
    if (pool->threads == 1 || jobs < 2)
        drain(pool, 0);
    else
        run_together(pool);
}

void sam_pool_run(struct sam_pool *pool, size_t jobs, sam_pool_job *work, void *context)
{
    sam_pool_run_tasks(pool, &(struct sam_pool_task){jobs, work, context}, 1);
}

/* Signals are for the threads of the caller, but for those that a write, or a page that is not
 * there, brings upon the thread itself. */
static int start(struct worker *worker)
{
    sigset_t most, before;
    sigfillset(&most);
    sigdelset(&most, SIGPIPE);
    sigdelset(&most, SIGXFSZ);
    sigdelset(&most, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &most, &before);
    const int status = pthread_create(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

struct sam_pool *sam_pool_new(int threads, struct sam_error *error)
{
    struct sam_pool *pool =
        sam_memory_new(1, sizeof *pool + (size_t)threads * sizeof pool->worker[0], error);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->begun.changed, NULL);
    pthread_cond_init(&pool->ended.changed, NULL);
    pool->threads = 1;
    for (int i = 1; i < threads; i++) {
        struct worker *worker = &pool->worker[i];
        *worker = (struct worker){.pool = pool, .number = i};
        if (start(worker)) {
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
    change(pool, &pool->begun);
    for (int i = 1; i < pool->threads; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->begun.changed);
    pthread_cond_destroy(&pool->ended.changed);
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
