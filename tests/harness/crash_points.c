/*
 * Kills a program that preloads this library, before one of its steps. A step is a call that changes a name or the
 * permissions of a file, or that syncs a file, below $CHAT_CRASH_FILES. $CHAT_CRASH_KILL is the number of the step,
 * counted from 1.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int steps;

static void step_on(const char *path) {
    const char *files = getenv("CHAT_CRASH_FILES"), *last = getenv("CHAT_CRASH_KILL");
    if (files && last && !strncmp(path, files, strlen(files)) && ++steps == atoi(last))
        kill(getpid(), SIGKILL);
}

static void step_on_fd(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        step_on(path);
    }
}

int fsync(int fd) {
    step_on_fd(fd);
    return (int)syscall(SYS_fsync, fd);
}
int fdatasync(int fd) {
    step_on_fd(fd);
    return (int)syscall(SYS_fdatasync, fd);
}
int unlink(const char *path) {
    step_on(path);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
int rename(const char *old, const char *new) {
    step_on(new);
    return (int)syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0);
}
int linkat(int old_folder, const char *old, int new_folder, const char *new, int flags) {
    step_on(new);
    return (int)syscall(SYS_linkat, old_folder, old, new_folder, new, flags);
}
int link(const char *old, const char *new) {
    return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}
int chmod(const char *path, mode_t mode) {
    step_on(path);
    return (int)syscall(SYS_fchmodat, AT_FDCWD, path, mode);
}
