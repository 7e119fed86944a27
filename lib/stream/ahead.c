#include "stream/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/pool.h"

/* A thread looks this often for what the other is about to do, some ten microseconds: as long as a
 * chunk takes to read, and less than a sleep and a wake-up cost. */
enum { SPINS = 1000 };

enum { PLACES = SAM_AHEAD_PLACES };

/* Chunks are numbered from 1. Chunk n, once a thread has claimed it, is read for place n % PLACES,
 * into that thread's room for it. */
struct ahead {
    const struct sam_ahead_file *file;
    struct place {
        struct sam_chunk chunk;
        atomic_size_t number; /* of the chunk that was read; 0: none */
        bool claimed;         /* is being read */
    } places[PLACES];
    atomic_size_t next;    /* the next chunk to be claimed */
    atomic_size_t visited; /* the chunk whose turn it is: those before need no place any more */
    atomic_bool ending;    /* the visit is over */

    pthread_t thread;
    atomic_bool asleep;    /* ... waits for `moved` */
    pthread_mutex_t mutex; /* of claims, and of that sleep */
    pthread_cond_t moved;  /* `visited` has, or the visit is over */
};

/* One thread's way through the chunks. */
struct cursor {
    struct sam_chunk chunk; /* where it is */
    size_t number;          /* ... of that chunk; 0 before the first */
    int rooms;              /* the first of the thread's */
};

static bool move_to(struct cursor *cursor, const struct sam_ahead_file *file, size_t number)
{
    for (; cursor->number < number; cursor->number++)
        if (!file->next(file->context, &cursor->chunk))
            return false;
    return true;
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* --- What both threads do --------------------------------------------------------------------- */

static bool may_claim(struct ahead *ahead)
{
    return ahead->next < ahead->visited + PLACES;
}

/* The next chunk that nobody reads, or 0 if there is no place for it. One whose turn came before it
 * had a place is left out. */
static size_t claim(struct ahead *ahead)
{
    size_t number = 0;
    pthread_mutex_lock(&ahead->mutex);
    if (ahead->next < ahead->visited)
        ahead->next = ahead->visited;
    struct place *place = &ahead->places[ahead->next % PLACES];
    if (may_claim(ahead) && !place->claimed) {
        number = ahead->next++;
        place->claimed = true;
    }
    pthread_mutex_unlock(&ahead->mutex);
    return number;
}

/* Reads a claimed chunk into its place. False if it is behind the last or cannot be read, which
 * will be met again when it is its turn. */
static bool read_claimed(struct ahead *ahead, struct cursor *cursor, size_t number)
{
    const struct sam_ahead_file *file = ahead->file;
    const size_t index = number % PLACES;
    struct place *place = &ahead->places[index];
    struct sam_error error;
    bool got = move_to(cursor, file, number);
    if (got) {
        place->chunk = cursor->chunk;
        got = file->read(file->context, cursor->rooms + (int)index, &place->chunk, &error) == 0;
    }
    pthread_mutex_lock(&ahead->mutex);
    place->number = got ? number : 0;
    place->claimed = false;
    pthread_mutex_unlock(&ahead->mutex);
    return got;
}

/* --- The second thread ------------------------------------------------------------------------ */

/* Sleeps, if there is nothing to claim for a while, until all that was read is used up: a sleep for
 * each chunk would cost more than it is worth. */
static void await_place(struct ahead *ahead)
{
    for (int i = 0; i < SPINS; i++) {
        if (may_claim(ahead) || ahead->ending)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&ahead->mutex);
    ahead->asleep = true;
    while (ahead->visited + 1 < ahead->next && !ahead->ending)
        pthread_cond_wait(&ahead->moved, &ahead->mutex);
    ahead->asleep = false;
    pthread_mutex_unlock(&ahead->mutex);
}

static void *read_ahead(void *context)
{
    struct ahead *ahead = context;
    struct cursor cursor = {.rooms = 1 + PLACES};
    bool more = true;
    while (more) {
        await_place(ahead);
        if (ahead->ending)
            break;
        const size_t number = claim(ahead);
        more = !number || read_claimed(ahead, &cursor, number);
    }
    return NULL;
}

/* Signals are for the caller's thread. */
static bool start(struct ahead *ahead)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int status = pthread_create(&ahead->thread, NULL, read_ahead, ahead);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0;
}

/* To be called after a change. Who falls asleep at this moment has said so before he looked, and
 * sees the change, or is seen here. */
static void wake(struct ahead *ahead)
{
    if (!ahead->asleep)
        return;
    pthread_mutex_lock(&ahead->mutex);
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->mutex);
}

static void stop(struct ahead *ahead)
{
    ahead->ending = true;
    wake(ahead);
    pthread_join(ahead->thread, NULL);
}

/* --- The visitor's thread --------------------------------------------------------------------- */

/* Chunk `number`, if it can be had without reading it in its turn. While the other thread is at it,
 * this one reads what comes next. */
static const struct sam_chunk *take(struct ahead *ahead, struct cursor *cursor, size_t number)
{
    const struct place *place = &ahead->places[number % PLACES];
    for (int i = 0; i < SPINS; i++) {
        if (place->number == number)
            return &place->chunk;
        const size_t claimed = may_claim(ahead) ? claim(ahead) : 0;
        if (!claimed)
            pause_briefly();
        else if (!read_claimed(ahead, cursor, claimed))
            break;
    }
    return NULL;
}

static int visit_chunks(struct ahead *ahead, sam_reader_visitor *visit, void *context,
                        struct sam_error *error)
{
    const struct sam_ahead_file *file = ahead->file;
    struct cursor turn = {.number = 0}, claimed = {.rooms = 1};
    for (size_t number = 1; move_to(&turn, file, number); number++) {
        ahead->visited = number;
        if (number + 1 >= ahead->next)
            wake(ahead);
        const struct sam_chunk *taken = take(ahead, &claimed, number);
        if (!taken && file->read(file->context, 0, &turn.chunk, error))
            return -1;
        if (visit(context, taken ? taken : &turn.chunk, error))
            return -1;
    }
    return 0;
}

int sam_ahead_visit(const struct sam_ahead_file *file, bool alone, sam_reader_visitor *visit,
                    void *context, struct sam_error *error)
{
    struct ahead ahead = {.file = file, .next = 1};
    pthread_mutex_init(&ahead.mutex, NULL);
    pthread_cond_init(&ahead.moved, NULL);
    const bool started = !alone && sam_pool_processors() > 1 && start(&ahead);
    const int status = visit_chunks(&ahead, visit, context, error);
    if (started)
        stop(&ahead);
    pthread_mutex_destroy(&ahead.mutex);
    pthread_cond_destroy(&ahead.moved);
    return status;
}
