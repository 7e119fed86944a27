#include "stream/ahead.h"

#include <pthread.h>
#include <stdatomic.h>

/* A thread without a free room looks this often for one, some ten microseconds: as long as a chunk
 * takes to prepare, and less than a sleep and a wake-up cost. */
enum { SPINS = 1000 };

enum { EACH = SAM_AHEAD_EACH, ROOMS = SAM_AHEAD_ROOMS };

/* Chunks are numbered from 0. Those from `turn` to `next` - 1 are claimed and not yet visited: each
 * of them fills a room, so they are never more than ROOMS. */
struct ahead {
    const struct sam_ahead_file *file;
    sam_reader_visitor *visit;
    void *context;

    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t moved;  /* a room was given back, or all is over */
    size_t next;           /* the next chunk to be claimed */
    size_t turn;           /* the next chunk to be visited */
    bool visiting;         /* a thread is at it */
    int status;            /* of the visit: -1 after `error` */
    struct sam_error *error;
    /* Changed under the mutex, but looked at without it too. */
    atomic_bool over;        /* all was visited, or the visit failed */
    atomic_bool used[ROOMS]; /* by a chunk from its claim to the end of its visit */

    /* Chunk n, once it was read, is in places[n % ROOMS]. */
    struct place {
        enum state { NOT_READ, READ, NOT_READABLE, BEHIND_THE_LAST } state;
        int room;
        struct sam_chunk chunk;
        struct sam_error error; /* why it is not readable */
    } places[ROOMS];
};

/* One thread's way through the chunks. */
struct cursor {
    struct sam_chunk chunk; /* where it is */
    size_t passed;          /* chunks up to it, and with it */
    int rooms;              /* the first of the thread's */
};

/* --- Reading ---------------------------------------------------------------------------------- */

static bool move_to(struct cursor *cursor, const struct sam_ahead_file *file, size_t number)
{
    for (; cursor->passed <= number; cursor->passed++)
        if (!file->next(file->context, &cursor->chunk))
            return false;
    return true;
}

/* Reads the chunk into its place's room; returns the place's new state. */
static enum state read_chunk(const struct ahead *ahead, struct cursor *cursor, size_t number,
                             struct place *place)
{
    const struct sam_ahead_file *file = ahead->file;
    if (!move_to(cursor, file, number))
        return BEHIND_THE_LAST;
    place->chunk = cursor->chunk;
    return file->read(file->context, place->room, &place->chunk, &place->error) ? NOT_READABLE
                                                                                : READ;
}

/* --- Visiting --------------------------------------------------------------------------------- */

static void end_visit(struct ahead *ahead, int status, const struct sam_error *error)
{
    ahead->over = true;
    ahead->status = status;
    if (status)
        *ahead->error = *error;
    pthread_cond_broadcast(&ahead->moved);
}

/* Visits one chunk, without the mutex. */
static void visit_place(struct ahead *ahead, struct place *place)
{
    struct sam_error error;
    pthread_mutex_unlock(&ahead->mutex);
    const int status = ahead->visit(ahead->context, &place->chunk, &error);
    pthread_mutex_lock(&ahead->mutex);
    place->state = NOT_READ;
    ahead->used[place->room] = false;
    ahead->turn++;
    pthread_cond_broadcast(&ahead->moved);
    if (status)
        end_visit(ahead, -1, &error);
}

/* Visits what was read and has its turn, unless the other thread is at it, which then finds all. */
static void visit_due(struct ahead *ahead)
{
    if (ahead->visiting)
        return;
    ahead->visiting = true;
    while (!ahead->over) {
        struct place *place = &ahead->places[ahead->turn % ROOMS];
        if (place->state == NOT_READ)
            break;
        if (place->state == READ)
            visit_place(ahead, place);
        else
            end_visit(ahead, place->state == NOT_READABLE ? -1 : 0, &place->error);
    }
    ahead->visiting = false;
}

/* --- What each thread does -------------------------------------------------------------------- */

/* A free one of the thread's rooms, or -1. */
static int free_room(const struct ahead *ahead, const struct cursor *cursor)
{
    for (int room = cursor->rooms; room < cursor->rooms + EACH; room++)
        if (!ahead->used[room])
            return room;
    return -1;
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Waits, without the mutex for a while, for a free room. -1 if the visit is over. */
static int await_room(struct ahead *ahead, const struct cursor *cursor)
{
    int room = free_room(ahead, cursor);
    if (room < 0) {
        pthread_mutex_unlock(&ahead->mutex);
        for (int i = 0; i < SPINS && !ahead->over && free_room(ahead, cursor) < 0; i++)
            pause_briefly();
        pthread_mutex_lock(&ahead->mutex);
    }
    while (!ahead->over && (room = free_room(ahead, cursor)) < 0)
        pthread_cond_wait(&ahead->moved, &ahead->mutex);
    return ahead->over ? -1 : room;
}

/* Job 0 and job 1 of the pool, each a thread's. If the second comes late, the first does it all. */
static void work(void *context, size_t thread, int worker)
{
    struct ahead *ahead = context;
    struct cursor cursor = {.rooms = (int)thread * EACH};
    int room;
    (void)worker;
    pthread_mutex_lock(&ahead->mutex);
    while ((room = await_room(ahead, &cursor)) >= 0) {
        const size_t number = ahead->next++;
        struct place *place = &ahead->places[number % ROOMS];
        place->room = room;
        ahead->used[room] = true;
        pthread_mutex_unlock(&ahead->mutex);
        const enum state state = read_chunk(ahead, &cursor, number, place);
        pthread_mutex_lock(&ahead->mutex);
        place->state = state;
        visit_due(ahead);
    }
    pthread_mutex_unlock(&ahead->mutex);
}

int sam_ahead_visit(const struct sam_ahead_file *file, struct sam_pool *pool,
                    sam_reader_visitor *visit, void *context, struct sam_error *error)
{
    struct ahead ahead = {.file = file, .visit = visit, .context = context, .error = error};
    pthread_mutex_init(&ahead.mutex, NULL);
    pthread_cond_init(&ahead.moved, NULL);
    if (pool)
        sam_pool_run(pool, SAM_AHEAD_THREADS, work, &ahead);
    else
        work(&ahead, 0, 0);
    pthread_cond_destroy(&ahead.moved);
    pthread_mutex_destroy(&ahead.mutex);
    return ahead.status;
}
