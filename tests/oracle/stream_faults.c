/* stream_faults - gives a tool every damaged form of a small stream on standard input
 *
 * Usage: stream_faults FILE TOOL [ARGUMENT...]
 *
 * The faults: FILE cut after 0, 1, 2, ... bytes ("cut N"), and with bit 0, 1, 2, ... turned
 * ("bit N"). One line a fault: the fault, and "ok" if the tool exited with 0 and said nothing,
 * "refused" if it exited with 1 and said "TOOL: ..." on standard error, else "BAD" and what it did
 * (a signal; SIGALRM is a tool that took more than ten seconds). */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than a pipe holds would need a second process to write it. */
enum { MAX_BYTES = 1 << 16, SECONDS = 10 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void run_tool(char **command, int input, int messages)
{
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(nowhere, STDOUT_FILENO) < 0 ||
        dup2(messages, STDERR_FILENO) < 0)
        die("redirect");
    alarm(SECONDS);
    execv(command[0], command);
    die(command[0]);
}

/* Starts the tool with `bytes` as its input; returns its status as wait() has it, and the start of
 * what it said. */
static int try(char **command, const unsigned char *bytes, size_t size, char *said, size_t room)
{
    int input[2], messages[2], status;
    if (pipe(input) || pipe(messages) || write(input[1], bytes, size) != (ssize_t)size)
        die("pipe");
    close(input[1]);
    const pid_t tool = fork();
    if (tool < 0)
        die("fork");
    if (tool == 0) {
        close(messages[0]);
        run_tool(command, input[0], messages[1]);
    }
    close(input[0]);
    close(messages[1]);
    size_t length = 0;
    for (ssize_t n; (n = read(messages[0], said + length, room - 1 - length)) > 0;)
        length += (size_t)n;
    said[length] = '\0';
    close(messages[0]);
    if (waitpid(tool, &status, 0) != tool)
        die("waitpid");
    return status;
}

static void report(const char *fault, size_t place, char **command, const unsigned char *bytes,
                   size_t size)
{
    char said[4096], start[256];
    const int status = try(command, bytes, size, said, sizeof said);
    snprintf(start, sizeof start, "%s: ", basename(command[0]));
    printf("%s %zu ", fault, place);
    if (WIFSIGNALED(status))
        printf("BAD signal %d\n", WTERMSIG(status));
    else if (WEXITSTATUS(status) == 0 && said[0] == '\0')
        puts("ok");
    else if (WEXITSTATUS(status) == 1 && strncmp(said, start, strlen(start)) == 0)
        puts("refused");
    else
        printf("BAD exit %d: %s\n", WEXITSTATUS(status), said);
}

int main(int argc, char **argv)
{
    static unsigned char bytes[MAX_BYTES];
    if (argc < 3)
        return 2;
    FILE *file = fopen(argv[1], "rb");
    if (!file)
        die(argv[1]);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 0; cut <= size; cut++)
        report("cut", cut, argv + 2, bytes, cut);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        report("bit", bit, argv + 2, bytes, size);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    return 0;
}
