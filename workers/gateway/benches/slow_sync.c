/* Stands before fsync, fdatasync and rename of a program that loads it (LD_PRELOAD), for the benches.

   FIELDCRM_FSYNC_DELAY_US  every sync takes so much longer, as on a slower disk
   FIELDCRM_SYNCED_LOG      a file with one line for each file that was synced:
                            "LENGTH INODE PATH", LENGTH in 20 digits, rewritten in place by every
                            sync. A file is cut to LENGTH to see what a power cut would leave of it.
                            Beside it LOG.names: "R OLD<tab>NEW" for each renaming, "D FOLDER" for
                            each sync of a folder; a renaming that no sync of its folder followed may
                            be gone after a power cut.
   FIELDCRM_SYNC_TIMES      a file that exists: how long each sync took goes to its end, in
                            microseconds, 4 bytes in this machine's order. Lay it in memory, or it
                            delays what it measures.

   The length is taken before the sync and noted after it: that much is on disk for certain. A file
   that is renamed keeps its inode, so its line stays its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES_MOST 65536

struct line {
    dev_t device;
    ino_t inode;
    off_t at; /* where its line begins in the log */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct line lines[FILES_MOST];
static int line_count;
static int append_to = -1, rewrite_in = -1, names = -1;
static pid_t opened_by;
static int times = -1; /* -2: not asked for */

static void wait_longer(void)
{
    const char *told = getenv("FIELDCRM_FSYNC_DELAY_US");
    long us = told ? atol(told) : 0;
    struct timespec left = {us / 1000000, us % 1000000 * 1000};
    while (us > 0 && nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* A forked child opens the log anew, so that its lines have places of its own. */
static int log_is_open(void)
{
    const char *path = getenv("FIELDCRM_SYNCED_LOG");
    if (path == NULL || *path == '\0')
        return 0;
    if (opened_by == getpid())
        return rewrite_in >= 0;
    opened_by = getpid();
    line_count = 0;
    append_to = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    rewrite_in = open(path, O_WRONLY | O_CLOEXEC);
    char beside[PATH_MAX];
    snprintf(beside, sizeof beside, "%s.names", path);
    names = open(beside, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return rewrite_in >= 0;
}

static void add_line(const struct stat *file, int fd)
{
    char link[64], path[PATH_MAX], text[PATH_MAX + 64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0 || line_count == FILES_MOST)
        return;
    path[length] = '\0';
    int size = snprintf(text, sizeof text, "%020lld %llu %s\n", (long long)file->st_size,
                        (unsigned long long)file->st_ino, path);
    if (write(append_to, text, size) != size)
        return;
    lines[line_count].device = file->st_dev;
    lines[line_count].inode = file->st_ino;
    lines[line_count++].at = lseek(append_to, 0, SEEK_CUR) - size;
}

static void note_folder(int fd)
{
    char link[64], path[PATH_MAX], text[PATH_MAX + 8];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return;
    path[length] = '\0';
    int size = snprintf(text, sizeof text, "D %s\n", path);
    if (write(names, text, size) != size)
        return;
}

static void note(const struct stat *file, int fd)
{
    char digits[21];
    pthread_mutex_lock(&lock);
    if (log_is_open() && S_ISDIR(file->st_mode)) {
        note_folder(fd);
    } else if (log_is_open()) {
        int i = line_count - 1;
        while (i >= 0 && (lines[i].inode != file->st_ino || lines[i].device != file->st_dev))
            i--;
        if (i < 0) {
            add_line(file, fd);
        } else {
            snprintf(digits, sizeof digits, "%020lld", (long long)file->st_size);
            if (pwrite(rewrite_in, digits, 20, lines[i].at) != 20)
                lines[i].inode = 0; /* a new line next time */
        }
    }
    pthread_mutex_unlock(&lock);
}

static void note_time(const struct timespec *began)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (times == -1) {
        const char *path = getenv("FIELDCRM_SYNC_TIMES");
        times = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
        if (times < 0)
            times = -2;
    }
    unsigned int us = (now.tv_sec - began->tv_sec) * 1000000 + (now.tv_nsec - began->tv_nsec) / 1000;
    if (times >= 0 && write(times, &us, sizeof us) != sizeof us)
        times = -2;
}

static int sync_and_note(const char *name, int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct stat file;
    struct timespec began;
    int is_known = fstat(fd, &file) == 0;
    clock_gettime(CLOCK_MONOTONIC, &began);
    int result = real(fd);
    int error = errno;
    wait_longer();
    note_time(&began);
    if (result == 0 && is_known)
        note(&file, fd);
    errno = error;
    return result;
}

int fsync(int fd)
{
    return sync_and_note("fsync", fd);
}

int fdatasync(int fd)
{
    return sync_and_note("fdatasync", fd);
}

/* Noted before it is done: one that was noted and not done is found to be undone already. */
int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    char text[2 * PATH_MAX + 8];
    pthread_mutex_lock(&lock);
    if (*from == '/' && *to == '/' && log_is_open()) {
        int size = snprintf(text, sizeof text, "R %s\t%s\n", from, to);
        if (write(names, text, size) != size)
            size = 0;
    }
    pthread_mutex_unlock(&lock);
    return real(from, to);
}
