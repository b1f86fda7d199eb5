// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The lock is a record lock (fcntl): the kernel drops it with the process, however that ends, and
// says who has it.
#include "store/embedded/data_dir.h"

#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_MODE 0700
#define LOCK_MODE 0600
#define PATH_BYTES_MAX 4096U
#define COMMAND_BYTES_MAX 64U

static enum err err_of(int number)
{
    if (number == EACCES || number == EPERM || number == EROFS)
        return ERR_PERMISSION;
    return number == ENOENT || number == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
}

static enum err tell(struct err_info *info, const char *what, const char *path)
{
    int number = errno;
    err_info_set(info, "cannot %s %s: %s", what, path, strerror(number));
    return err_of(number);
}

// "/proc/1234/comm", NUL-terminated.
static void put_command_path(struct strbuf *out, pid_t pid)
{
    strbuf_put_text(out, "/proc/");
    strbuf_put_i64(out, pid);
    strbuf_put_text(out, "/comm");
    strbuf_put_byte(out, '\0');
}

// What the process is called; empty when it cannot be told.
static void read_command(pid_t pid, char out[COMMAND_BYTES_MAX])
{
    char path[64];
    struct strbuf text = strbuf_over(path, sizeof path);
    put_command_path(&text, pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = file >= 0 ? read(file, out, COMMAND_BYTES_MAX - 1) : 0;
    if (file >= 0)
        (void)close(file);
    out[len > 0 ? len : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static enum err tell_in_use(struct err_info *info, const char *path, pid_t pid)
{
    char command[COMMAND_BYTES_MAX];
    if (pid <= 0) { // of another container
        err_info_set(info,
                     "the data directory %s is in use by another process; stop it, or choose "
                     "another --data-dir",
                     path);
        return ERR_IN_USE;
    }
    read_command(pid, command);
    bool is_named = command[0] != '\0';
    err_info_set(info,
                 "the data directory %s is in use by process %ld%s%s%s; stop it, or choose "
                 "another --data-dir",
                 path, (long)pid, is_named ? " (" : "", command, is_named ? ")" : "");
    return ERR_IN_USE;
}

static enum err lock(int file, const char *path, struct err_info *info)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_SETLK, &whole) == 0)
        return ERR_OK;
    if (errno != EACCES && errno != EAGAIN)
        return tell(info, "lock", path);
    struct flock other = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool is_known = fcntl(file, F_GETLK, &other) == 0 && other.l_type != F_UNLCK;
    return tell_in_use(info, path, is_known ? other.l_pid : 0);
}

static enum err join(const char *directory, const char *name, char out[PATH_BYTES_MAX],
                     struct err_info *info)
{
    struct strbuf text = strbuf_over(out, PATH_BYTES_MAX - 1);
    strbuf_put_text(&text, directory);
    strbuf_put_text(&text, name);
    out[text.len] = '\0';
    if (!text.is_overflowed)
        return ERR_OK;
    err_info_set(info, "the path of the data directory is too long");
    return ERR_INVALID;
}

static enum err make(const char *path, struct err_info *info)
{
    char parent[PATH_BYTES_MAX];
    if (mkdir(path, DIRECTORY_MODE) != 0)
        return errno == EEXIST ? ERR_OK : tell(info, "make the data directory", path);
    enum err err = join(path, "/..", parent, info);
    return err == ERR_OK ? data_dir_sync(parent, info) : err;
}

enum err data_dir_open(const char *path, struct data_dir *out, struct err_info *info)
{
    char name[PATH_BYTES_MAX];
    out->lock = -1;
    enum err err = make(path, info);
    if (err == ERR_OK)
        err = join(path, "/lock", name, info);
    if (err != ERR_OK)
        return err;
    int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (file < 0)
        return tell(info, "open", name);
    err = lock(file, path, info);
    if (err == ERR_OK)
        out->lock = file;
    else
        (void)close(file);
    return err;
}

enum err data_dir_sync(const char *path, struct err_info *info)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return tell(info, "open the directory", path);
    enum err err = fsync(directory) == 0 ? ERR_OK : tell(info, "sync the directory", path);
    (void)close(directory);
    return err;
}

void data_dir_close(struct data_dir *dir)
{
    if (dir->lock >= 0)
        (void)close(dir->lock);
    dir->lock = -1;
}
