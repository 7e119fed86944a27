/* call_faults - lets each call of a tool fail in turn, and judges how the tool ends
 *
 * Usage: call_faults KIND LIBRARY STEP file|pipe FILE TOOL [ARGUMENT...]
 *
 * The tool gets FILE as standard input, or through a pipe, once as it is and then once for each K =
 * 1, 1 + STEP, 1 + 2 STEP, ... until there is no K-th call: with LIBRARY (tests/preload/faults.c)
 * preloaded, whose KINDs are told there. KIND `disk` needs no library: there, standard output is a
 * file that holds K - 1 bytes at most.
 *
 * One line a fault: KIND, K, and "ok" if the tool exited with 0, said nothing and wrote what it
 * writes without a fault; "refused" if it exited with 1, said "TOOL: ..." on standard error, and
 * wrote no more than the beginning of that; else "BAD" and what it did (SIGALRM is a tool that took
 * more than ten seconds). */
#define _GNU_SOURCE /* memfd_create */
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of a pipe no more than it holds: more would need a second process to write it. */
enum { MAX_BYTES = 1 << 23, SECONDS = 10 };

struct job {
    const char *kind, *library, *path;
    bool piped;
    char **command;
    unsigned char input[MAX_BYTES];
    size_t input_size;
};

struct outcome {
    int status; /* as wait() has it */
    bool happened;
    char *written, *said; /* the caller's to free */
    size_t written_size;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* All that can be read of a descriptor, which is closed; a 0 behind it. */
static char *contents(int descriptor, size_t *size)
{
    enum { ROOM = 4096 };
    char *text = NULL;
    ssize_t got = 0;
    *size = 0;
    do {
        *size += (size_t)got;
        text = realloc(text, *size + ROOM + 1);
        if (!text)
            die("realloc");
        got = read(descriptor, text + *size, ROOM);
    } while (got > 0);
    if (got < 0)
        die("read");
    close(descriptor);
    text[*size] = 0;
    return text;
}

/* A file on which an earlier fault may have left its mark, or a pipe that holds all. */
static int open_input(const struct job *job)
{
    int ends[2];
    if (job->piped) {
        if (pipe(ends))
            die("pipe");
    } else if ((ends[1] = open(job->path, O_WRONLY | O_TRUNC | O_CLOEXEC)) < 0 ||
               (ends[0] = open(job->path, O_RDONLY)) < 0) {
        die(job->path);
    }
    if (write(ends[1], job->input, job->input_size) != (ssize_t)job->input_size)
        die("write");
    close(ends[1]);
    return ends[0];
}

static void set_fault(const struct job *job, long place, int signal_descriptor)
{
    char text[64];
    if (strcmp(job->kind, "disk") == 0) {
        const struct rlimit limit = {(rlim_t)place - 1, (rlim_t)place - 1};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        return;
    }
    snprintf(text, sizeof text, "%s:%ld", job->kind, place);
    setenv("FAULT", text, 1);
    snprintf(text, sizeof text, "%d", signal_descriptor);
    setenv("FAULT_FD", text, 1);
    setenv("FAULT_FILE", job->path, 1);
    setenv("LD_PRELOAD", job->library, 1);
}

/* Runs the tool with the fault at `place`, or without one (0). */
static struct outcome run(const struct job *job, long place)
{
    struct outcome outcome;
    int happened[2], messages[2]; /* no message is longer than a pipe holds */
    size_t size;
    char byte;
    const int output = memfd_create("output", MFD_CLOEXEC), input = open_input(job);
    if (output < 0 || pipe(messages) || pipe(happened))
        die("memfd_create or pipe");
    const pid_t tool = fork();
    if (tool < 0)
        die("fork");
    if (tool == 0) {
        dup2(input, STDIN_FILENO);
        dup2(output, STDOUT_FILENO);
        dup2(messages[1], STDERR_FILENO);
        close(happened[0]);
        close(messages[0]);
        if (place > 0)
            set_fault(job, place, happened[1]);
        alarm(SECONDS);
        execv(job->command[0], job->command);
        die(job->command[0]);
    }
    close(input);
    close(happened[1]);
    close(messages[1]);
    if (waitpid(tool, &outcome.status, 0) != tool)
        die("waitpid");
    outcome.happened = read(happened[0], &byte, 1) == 1;
    close(happened[0]);
    lseek(output, 0, SEEK_SET);
    outcome.written = contents(output, &outcome.written_size);
    outcome.said = contents(messages[0], &size);
    return outcome;
}

static void judge(const struct job *job, long place, const struct outcome *whole,
                  const struct outcome *outcome)
{
    char start[256];
    const bool begun = outcome->written_size <= whole->written_size &&
                       memcmp(outcome->written, whole->written, outcome->written_size) == 0;
    snprintf(start, sizeof start, "%s: ", basename(job->command[0]));
    printf("%s %ld ", job->kind, place);
    if (WIFSIGNALED(outcome->status))
        printf("BAD signal %d\n", WTERMSIG(outcome->status));
    else if (WEXITSTATUS(outcome->status) == 0 && outcome->said[0] == '\0' && begun &&
             outcome->written_size == whole->written_size)
        puts("ok");
    else if (WEXITSTATUS(outcome->status) == 1 && begun &&
             strncmp(outcome->said, start, strlen(start)) == 0)
        puts("refused");
    else
        printf("BAD exit %d after %zu of %zu bytes%s: %s\n", WEXITSTATUS(outcome->status),
               outcome->written_size, whole->written_size, begun ? "" : ", others", outcome->said);
}

static void forget(struct outcome *outcome)
{
    free(outcome->written);
    free(outcome->said);
}

int main(int argc, char **argv)
{
    static struct job job;
    if (argc < 7)
        return 2;
    job.kind = argv[1];
    job.library = argv[2];
    job.piped = strcmp(argv[4], "pipe") == 0;
    job.path = argv[5];
    job.command = argv + 6;
    const long step = atol(argv[3]);
    FILE *file = fopen(job.path, "rb");
    if (!file)
        die(job.path);
    job.input_size = fread(job.input, 1, sizeof job.input, file);
    fclose(file);

    struct outcome whole = run(&job, 0);
    if (whole.status != 0)
        die("a run without a fault failed");
    const bool disk = strcmp(job.kind, "disk") == 0;
    bool more = true;
    for (long place = 1; more; place += step) {
        struct outcome outcome = run(&job, place);
        more = disk ? (size_t)place <= whole.written_size : outcome.happened;
        if (more || disk)
            judge(&job, place, &whole, &outcome);
        forget(&outcome);
    }
    forget(&whole);
    return 0;
}
