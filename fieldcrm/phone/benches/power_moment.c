/* Lets the power fail in the middle of what a disk was about to do, for the bench of the sync: stands before
   write, pwrite, fsync, fdatasync and rename of a program that loads it (LD_PRELOAD, before slow_sync.so).

   FIELDCRM_POWER_AT  a path. While PATH.write is there, the next sync of a file that was written to is not
                      made; while PATH.rename is there, the next renaming is made and nothing after it. Who
                      comes there takes the file away and never goes on: whoever put it there cuts the power
                      then. PATH.written says what no sync has covered: "FROM FILE", FROM the first byte. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MOST 4096

/* By descriptor: the first byte that was written since the last sync, and one; 0: none was. */
static off_t written[FILES_MOST];

static void note_written(int fd, off_t from)
{
    if (fd >= 0 && fd < FILES_MOST && from >= 0 && (written[fd] == 0 || from + 1 < written[fd]))
        written[fd] = from + 1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    static ssize_t (*next)(int, const void *, size_t, off64_t);
    if (next == NULL)
        next = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    note_written(fd, at);
    return next(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return pwrite64(fd, bytes, count, at);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    static ssize_t (*next)(int, const void *, size_t);
    if (next == NULL)
        next = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    note_written(fd, lseek(fd, 0, SEEK_CUR)); /* -1 for what is no file */
    return next(fd, bytes, count);
}

int close(int fd)
{
    static int (*next)(int);
    if (next == NULL)
        next = (int (*)(int))dlsym(RTLD_NEXT, "close");
    if (fd >= 0 && fd < FILES_MOST)
        written[fd] = 0;
    return next(fd);
}

static void tell_written(const char *path, int fd)
{
    char link[64], file[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, file, sizeof file - 1);
    FILE *said = fopen(path, "w");
    if (length >= 0 && said != NULL) {
        file[length] = '\0';
        fprintf(said, "%lld %s\n", (long long)written[fd] - 1, file);
    }
    if (said != NULL)
        fclose(said);
}

/* Only one of several threads can take a file away; all is told once both of its names are gone. */
static void stop_where_wanted(const char *step, int fd)
{
    char path[PATH_MAX], taken[PATH_MAX + 8], beside[PATH_MAX];
    const char *told = getenv("FIELDCRM_POWER_AT");
    if (told == NULL || *told == '\0')
        return;
    snprintf(path, sizeof path, "%s.%s", told, step);
    snprintf(taken, sizeof taken, "%s.taken", path);
    snprintf(beside, sizeof beside, "%s.written", told);
    if (link(path, taken) != 0 || unlink(path) != 0)
        return;
    if (fd >= 0)
        tell_written(beside, fd);
    unlink(taken);
    for (;;)
        pause();
}

static int sync_unless_stopped(const char *name, int fd)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct stat file;
    int is_written = fd >= 0 && fd < FILES_MOST && written[fd] != 0;
    if (is_written && fstat(fd, &file) == 0 && S_ISREG(file.st_mode))
        stop_where_wanted("write", fd);
    int result = next(fd);
    if (result == 0 && is_written)
        written[fd] = 0;
    return result;
}

int fsync(int fd)
{
    return sync_unless_stopped("fsync", fd);
}

int fdatasync(int fd)
{
    return sync_unless_stopped("fdatasync", fd);
}

int rename(const char *from, const char *to)
{
    int (*next)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    int result = next(from, to);
    if (result == 0 && from[0] == '/')
        stop_where_wanted("rename", -1);
    return result;
}
