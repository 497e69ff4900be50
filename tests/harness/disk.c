/*
 * A simulated disk for a program that preloads this library. It applies to the program's files below $CHAT_DISK_FILES.
 * The files in the folder $CHAT_DISK_CONTROL control it:
 *   full     while this file exists, no file can be extended;
 *   broken   while this file exists, every sync fails;
 *   synced   every successful sync appends a byte to this file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *control_file(const char *name, char *path) {
    const char *folder = getenv("CHAT_DISK_CONTROL");
    snprintf(path, PATH_MAX, "%s/%s", folder ? folder : "/nowhere", name);
    return path;
}

static int is_set(const char *name) {
    char path[PATH_MAX];
    int before = errno, there = access(control_file(name, path), F_OK) == 0;
    errno = before;
    return there;
}

static int is_below_files(int fd) {
    const char *files = getenv("CHAT_DISK_FILES");
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return files && length > 0 && !strncmp(path, files, strlen(files));
}

/* Returns whether extending a file to `end` must fail. */
static int refused(int fd, off_t end) {
    struct stat file;
    return is_set("full") && is_below_files(fd) && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
           end > file.st_size;
}

static int no_room(void) {
    errno = ENOSPC;
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return refused(fd, at + (off_t)length) ? no_room() : syscall(SYS_pwrite64, fd, bytes, length, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    return pwrite(fd, bytes, length, at);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    off_t at = is_set("full") ? lseek(fd, 0, SEEK_CUR) : 0;
    return refused(fd, at + (off_t)length) ? no_room() : syscall(SYS_write, fd, bytes, length);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    off_t end = at;
    for (int i = 0; i < count; i++)
        end += (off_t)parts[i].iov_len;
    return refused(fd, end) ? no_room() : syscall(SYS_pwritev, fd, parts, count, at, 0);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) {
    return pwritev(fd, parts, count, at);
}

int ftruncate(int fd, off_t length) {
    return refused(fd, length) ? no_room() : (int)syscall(SYS_ftruncate, fd, length);
}
int ftruncate64(int fd, off_t length) {
    return ftruncate(fd, length);
}

/* Returns the error instead of setting errno. */
int posix_fallocate(int fd, off_t at, off_t length) {
    if (refused(fd, at + length))
        return ENOSPC;
    return syscall(SYS_fallocate, fd, 0, at, length) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off_t at, off_t length) {
    return posix_fallocate(fd, at, length);
}

static int sync_by(long call, int fd) {
    if (!is_below_files(fd))
        return (int)syscall(call, fd);
    if (is_set("broken")) {
        errno = EIO;
        return -1;
    }
    int done = (int)syscall(call, fd), before = errno;
    char path[PATH_MAX];
    int count = done == 0 ? open(control_file("synced", path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (count >= 0) {
        syscall(SYS_write, count, ".", 1);
        close(count);
    }
    errno = before;
    return done;
}
int fsync(int fd) {
    return sync_by(SYS_fsync, fd);
}
int fdatasync(int fd) {
    return sync_by(SYS_fdatasync, fd);
}
